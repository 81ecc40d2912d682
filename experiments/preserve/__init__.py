"""Whether face swaps are told from other walks."""
