"""Drawn faces with known landmarks, for tests that need no photograph."""

import cv2
import numpy as np


def draw_face(seed=0, size=240):
    """Return an RGB image of a drawn face and its landmarks, shape (K, 2)."""
    rng = np.random.default_rng(seed)
    skin = rng.uniform([150, 100, 80], [240, 190, 170])
    centre = np.array([size / 2, size / 2]) + rng.uniform(-8, 8, 2)
    half = size * rng.uniform([0.22, 0.29], [0.27, 0.34])
    image = np.full((size, size, 3), rng.uniform(60, 200, 3), np.float64)
    image += np.linspace(-15, 15, size)[:, None, None]
    image = image.clip(0, 255).astype(np.uint8)
    at = tuple(int(v) for v in centre.round())
    cv2.ellipse(image, at, tuple(int(v) for v in half.round()), 0, 0, 360, skin.tolist(), -1)
    eyes = [centre + half * [x, -0.25] for x in (-0.4, 0.4)]
    mouth = [centre + half * [x, 0.45] for x in (-0.35, 0.35)]
    nose = centre + half * [0, 0.1]
    for eye in eyes:
        cv2.circle(image, tuple(int(v) for v in eye), size // 30, (40, 30, 30), -1)
    cv2.line(image, *(tuple(int(v) for v in m) for m in mouth), (150, 40, 50), size // 40)
    noise = rng.normal(0, 3, image.shape)
    image = (image + noise).clip(0, 255).astype(np.uint8)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    outline = centre + half * 0.92 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return image, np.concatenate([[*eyes, nose, *mouth], outline])
