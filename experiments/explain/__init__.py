"""Which joints and moments scores rest on, and whether explanations can be believed."""
