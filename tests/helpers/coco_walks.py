"""Stick walkers with arms, some with a head, for networks on the joints of COCO."""

from __future__ import annotations

import numpy as np
from sticks import walking_points

from gaitproof.data.gait.recording import HEAD_AND_ARMS, Recording


def armed(seed: int, walk: int = 0, *, head: bool = False, seconds: float = 5.0) -> Recording:
    """Return a stick walker whose arms swing against the legs; a source with or without a head."""
    times, points = walking_points(seed, walk, seconds)
    others = np.full((len(times), len(HEAD_AND_ARMS), 3), np.nan)
    for i, landmark in enumerate(HEAD_AND_ARMS):
        side, _, joint = landmark.name.partition("_")
        if joint in ("ELBOW", "WRIST"):
            left = side == "LEFT"
            below, swing = (0.25, 0.4) if joint == "ELBOW" else (0.5, 0.8)
            others[:, i] = points[:, 0 if left else 1] - [0.0, below, 0.0]
            others[:, i, 2] += swing * (points[:, 5 if left else 4, 2] - points[:, 2, 2])
        elif head:
            others[:, i] = points[:, :2].mean(axis=1) + np.array([0.02 * i, 0.25, 0.1])
    return Recording(
        subject=f"p{seed}",
        recording=f"w{walk}",
        condition="nm",
        view="000",
        source="sticks",
        times=times,
        points=points,
        others=others.astype(np.float32),
    )
