"""Does a network, or cross-correlation, tell sound that was exchanged or shifted."""
