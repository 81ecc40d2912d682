"""Walkers in the image, for aligning and comparing recordings."""

import numpy as np

from gaitproof.gait.alignment import JOINTS, Track


def walking_track(seed=0, seconds=5.0, rate=30.0, start=0.0):
    """A stick walker in the image whose strides differ, so that every moment is its own."""
    rng = np.random.default_rng(seed)
    times = start + np.arange(round(seconds * rate)) / rate
    t = times - start
    stride = 2 * np.pi * rng.uniform(0.85, 1.05) * (t + 0.04 * np.sin(1.3 * t + rng.uniform(0, 6)))
    points = np.zeros((len(t), len(JOINTS), 2))
    heights = {"SHOULDER": -50, "ELBOW": -25, "WRIST": 0, "HIP": 0, "KNEE": 45, "ANKLE": 85}
    for i, joint in enumerate(JOINTS):
        side = 1 if joint.name.startswith("LEFT") else -1
        part = joint.name.split("_", 1)[1]
        swing = {"SHOULDER": 2, "ELBOW": 12, "WRIST": 22, "HIP": 3, "KNEE": 20}.get(part, 35)
        phase = np.pi * (side < 0) + rng.normal(0, 0.15)
        drift = 1 + 0.15 * np.sin(0.7 * t + rng.uniform(0, 6))
        points[:, i, 0] = 100 + 20 * t + side * 6 + swing * drift * np.sin(stride + phase)
        points[:, i, 1] = 120 + heights.get(part, 90) + 3 * np.cos(2 * stride + phase)
    return Track(times, points)
