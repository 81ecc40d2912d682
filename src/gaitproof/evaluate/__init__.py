"""Trials and protocols: how well a model verifies."""
