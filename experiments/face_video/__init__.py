"""Threshold, band and calibration of a face model from genuine video and swaps made of it."""
