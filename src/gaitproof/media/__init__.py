"""Videos: probing, decoding, hashing, camera motion, writing, overlays."""
