"""Silhouettes of walkers who differ in build and cadence, without video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.data.gait.load import PairedRecording
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH, SilhouetteSequence, pack_masks

_ROW, _COLUMN = np.mgrid[:MASK_HEIGHT, :MASK_WIDTH]


def walking_masks(
    person: int, walk: int = 0, *, frames: int = 60, rate: float = 25.0
) -> np.ndarray:
    """Masks (T, 64, 44): a trunk of the person's width and two legs that swing at their cadence."""
    rng = np.random.default_rng((person, walk))
    own = np.random.default_rng(person)
    width, swing, cadence = own.uniform(4, 9), own.uniform(4, 10), own.uniform(0.7, 1.2)
    phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * cadence * np.arange(frames) / rate
    spread = swing * np.sin(phase)[:, None, None] * ((_ROW - 34) / 30).clip(0)
    trunk = (_ROW < 36) & (abs(_COLUMN - 21.5 + rng.normal(0, 0.4)) < width)
    legs = [(_ROW >= 34) & (abs(_COLUMN - 21.5 - side * spread) < width / 2.5) for side in (-1, 1)]
    return np.asarray((trunk | legs[0] | legs[1]).astype(np.uint8))


def write_archive(
    path: Path,
    people: int = 5,
    *,
    walks: tuple[str, ...] = ("nm-01", "nm-02", "nm-03", "cl-01"),
    views: tuple[str, ...] = ("000", "090"),
    frames: int = 60,
    **changes: np.ndarray,
) -> Path:
    """Write a silhouette archive of synthetic walkers; `changes` replace arrays of it."""
    labels = [(f"{p:03d}", w, v) for p in range(people) for w in walks for v in views]
    masks = [
        walking_masks(int(p), 10 * walks.index(w) + views.index(v), frames=frames)
        for p, w, v in labels
    ]
    arrays = {
        "bits": pack_masks(np.concatenate(masks)),
        "offsets": np.arange(len(labels) + 1) * frames,
        "subject": np.array([p for p, _, _ in labels]),
        "sequence": np.array([w for _, w, _ in labels]),
        "condition": np.array([w[:2] for _, w, _ in labels]),
        "view": np.array([v for _, _, v in labels]),
        "fps": np.full(len(labels), 25.0, np.float32),
        "shape": np.array([MASK_HEIGHT, MASK_WIDTH]),
    }
    np.savez(path, **(arrays | changes))
    return path


def paired_walks(people: int = 5, walks: int = 4) -> list[PairedRecording]:
    """Walks of which silhouettes and joints are known, two views each."""
    made = []
    for person in range(people):
        for walk in range(walks):
            for view in ("000", "090"):
                times, points = walking_points(person, 10 * walk + len(view))
                labels = {
                    "subject": f"{person:03d}",
                    "recording": f"{person:03d}/nm-{walk:02d}",
                    "condition": "nm",
                    "view": view,
                    "source": "made",
                }
                joints = Recording(times=times, points=points, **labels)
                masks = walking_masks(person, walk, frames=int(times[-1] * 25))
                clock = times[0] + np.arange(len(masks)) / 25
                made.append(PairedRecording.of(joints, SilhouetteSequence.from_masks(clock, masks)))
    return made
