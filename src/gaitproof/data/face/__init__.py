"""Public data sets of real and manipulated faces: what is in them, and which clips go together."""
