"""Whether swapped faces of filmed portraits are told from genuine ones."""
