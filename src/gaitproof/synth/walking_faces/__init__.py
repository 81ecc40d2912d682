"""Synthetic people who walk and have a face: bodies of the walkers, faces of the talkers."""
