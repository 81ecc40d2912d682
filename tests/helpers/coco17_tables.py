"""GaitGraph's pose tables of stick walkers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sticks import walking_points

from gaitproof.pose.formats.coco import COCO_17
from gaitproof.types import GAIT_LANDMARKS

HEADER = "image_name," + ",".join(f"{j}_{p}" for j in COCO_17 for p in ("x", "y", "conf"))


def keypoints(frames: int = 80, seed: int = 0) -> np.ndarray:
    """Key points (T, 17, 3) of a stick walker in an image of 320x240, at 25 frames a second."""
    _, points = walking_points(seed, 0, seconds=frames / 30)
    made = np.ones((len(points), 17, 3))
    made[..., :2] = (160, 40)
    for i, landmark in enumerate(GAIT_LANDMARKS):
        name = landmark.name.lower()
        if name in COCO_17:
            made[:, COCO_17.index(name), 0] = 160 + 80 * points[:, i, 2]
            made[:, COCO_17.index(name), 1] = 100 - 80 * points[:, i, 1]
    made[..., 2] = 0.9
    return made


def table(path: Path, walks: dict[str, np.ndarray], prefix: str = "./frames/") -> Path:
    lines = [HEADER]
    for name, points in walks.items():
        for i, row in enumerate(points):
            lines.append(f"{prefix}{name}/{i:06d}.jpg," + ",".join(f"{v:.4f}" for v in row.flat))
    path.write_text("\n".join(lines) + "\n")
    return path
