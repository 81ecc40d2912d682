"""Do lips and sound of a talking face belong together."""
