"""Training of networks that compare lips and sound."""
