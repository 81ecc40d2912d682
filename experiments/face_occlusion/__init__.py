"""What covers faces: a small network that finds it, learnt from portraits, tried on video."""
