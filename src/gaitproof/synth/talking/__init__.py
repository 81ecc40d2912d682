"""Synthetic people who talk into a camera, and four ways to forge them."""
