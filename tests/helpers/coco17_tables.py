"""GaitGraph's pose tables and GaitFormer's tables of tracklets, of stick walkers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sticks import walking_points

from gaitproof.pose.formats.coco import COCO_17
from gaitproof.types import GAIT_LANDMARKS

OPENPOSE = [0, 5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
"""COCO-17 column of OpenPose's 18 key points; the neck is a shoulder here."""

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


def tracklet_table(folder: Path, frames: int = 80, runs: bool = False) -> Path:
    """Write two people's tracklets in OpenPose's order, y up and in body heights, and the table."""
    (folder / "poses").mkdir(parents=True)
    lines = ["attr_bag,track_id,file_name" + ",session_id,run_id" * runs]
    for person in (3, 9):
        points = keypoints(frames, person)
        points[..., :2] = (points[..., :2] - (160, 100)) / (160, -160)
        if person == 3:
            points[..., 1] *= -1
        # named from the folder above, as the published tables do
        name = f"{folder.name}/poses/{person}.npy"
        np.save(folder / "poses" / f"{person}.npy", points[:, OPENPOSE].astype(np.float32))
        lines.append(f"0.5,{person},{name}" + f",{person % 2},{person}" * runs)
    table = folder / "annotations.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
