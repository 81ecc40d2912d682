"""Pose file formats, one module per format."""
