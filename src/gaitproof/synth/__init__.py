"""Synthetic walkers: body, motion, scene, rendering and face swaps."""
