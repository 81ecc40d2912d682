"""Training of gait encoders."""
