"""Poses changed within a bound so that a walk resembles somebody else's, bone lengths kept.

Joints are moved by turning segments, so that every bone keeps its length in every frame, smoothly
over time, and no joint goes further than a share of the body height from where it was. The hips'
path stays. What the gradient goes through is a torch twin of `gaitproof.gait.features`; scores are
the encoder's own, of features computed anew from the changed joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gaitproof.gait.canonical import TRUNK, join_segments, split_segments
from gaitproof.gait.features import ANGLES, HIPS, SHOULDERS, compute_features
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.types import GaitWindows
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_HOP, WINDOW_RATE
from gaitproof.verify.scoring import make_template

Float64 = NDArray[np.float64]

STEPS: Final = 20
_SMOOTH: Final = 2.0
"""Frames: standard deviation of the Gaussian over changes, so that they have no high frequencies
(at 30 Hz less than a tenth is left above 5.7 Hz; nothing in walking is faster)."""
_TINY: Final = 1e-9
_ANKLES: Final = (6, 7)
"""Among the gait landmarks; a side's heel and toes are two and four places on."""
_FOOT: Final = 0.04


@dataclass(frozen=True, eq=False)
class Changed:
    """A walk after the attack.

    Parameters
    ----------
    points
        Shape (M, 12, 3).
    moved
        Largest displacement of a joint in body heights.
    stretched
        Largest relative change of a bone's length.
    """

    points: Float64
    moved: float
    stretched: float


def body_height(points: Float64) -> float:
    """Return the height that goes with the median trunk of joints (M, 12, 3), in their unit."""
    _, vectors = split_segments(points)
    return float(np.median(np.linalg.norm(vectors[:, 1], axis=1))) / TRUNK


def known_features(points: Float64) -> NDArray[np.bool_]:
    """Return which features (78,) a path (M, 12, 3) gives; NaN where a source lacks a joint."""
    times = np.arange(WINDOW_FRAMES) / WINDOW_RATE
    known: NDArray[np.bool_] = np.isfinite(compute_features(times, points[:WINDOW_FRAMES])).all(
        axis=0
    )
    return known


def fill(points: Float64) -> Float64:
    """Put feet that a source lacks below the ankles, where no feature is made of them."""
    filled = points.copy()
    drop = _FOOT * body_height(points)
    for side, ankle in enumerate(_ANKLES):
        for joint in (ankle + 2, ankle + 4):
            if np.isnan(points[:, joint]).any():
                filled[:, joint] = points[:, ankle] - (0, drop, 0) + (drop * side, 0, drop)
    return filled


def to_windows(points: Float64, known: NDArray[np.bool_]) -> GaitWindows:
    """Return the windows of one unbroken path (M, 12, 3) at 30 Hz; M >= 60."""
    times = np.arange(WINDOW_FRAMES) / WINDOW_RATE
    starts = range(0, len(points) - WINDOW_FRAMES + 1, WINDOW_HOP)
    features = np.stack([compute_features(times, points[i : i + WINDOW_FRAMES]) for i in starts])
    return GaitWindows(
        np.where(known, features, 0).astype(np.float32),
        np.tile(known, (len(features), 1)),
        np.array([i / WINDOW_RATE for i in starts]),
    )


def embed_path(
    encoder: OnnxEncoder, points: Float64, known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the mean embedding (D,), unit length, of a path (M, 12, 3)."""
    template: NDArray[np.float32] = make_template([encoder.embed(to_windows(points, known))])
    return template


def move_towards(
    encoder: OnnxEncoder,
    network: nn.Module,
    points: Float64,
    known: NDArray[np.bool_],
    template: NDArray[np.float32],
    *,
    radius: float,
    steps: int = STEPS,
    away: bool = False,
) -> Changed:
    """Change a walk so that it resembles a template more, or less.

    Parameters
    ----------
    encoder
        Whose normalisation the network's inputs have; with its heading alignment.
    network
        Its torch twin.
    points
        Shape (M, 12, 3), M >= 60, without gaps, see `fill`.
    known
        Shape (78,): features that count.
    template
        Shape (D,), unit length.
    radius
        Most that a joint may move, body heights.
    steps
        Of projected gradient ascent.
    away
        Whether to resemble it less: not to be recognised.
    """
    reach = radius * body_height(points)
    hip, vectors = split_segments(points)
    base = torch.from_numpy(vectors)
    middle = torch.from_numpy(hip)
    own = torch.from_numpy(points)
    target = torch.from_numpy(np.asarray(template, np.float32))
    change = torch.zeros_like(base)
    for _ in range(steps):
        change = change.detach().requires_grad_()
        moving = join(middle, turn(base, smooth(change)))
        seen = normalise(encoder, features_of(moving), known)
        embeddings = nn.functional.normalize(network(seen.float()).mean(dim=0), dim=0)
        (gradient,) = torch.autograd.grad(embeddings @ target * (-1 if away else 1), change)
        # every segment by as much, whichever its gradient's scale
        unit = gradient / (gradient.norm(dim=2, keepdim=True) + _TINY)
        change = fit(middle, base, own, change.detach() + 2.5 * reach / steps * unit, reach)
    moved = join(middle, turn(base, smooth(change))).numpy()
    lengths, before = (np.linalg.norm(split_segments(one)[1], axis=2) for one in (moved, points))
    return Changed(
        moved,
        float(np.linalg.norm(moved - points, axis=2).max()) / body_height(points),
        float(np.abs(lengths / before - 1).max()),
    )


def turn(base: Tensor, change: Tensor) -> Tensor:
    """Return segments (M, 11, 3) that point where base plus change does, of the base's lengths."""
    length = base.norm(dim=2, keepdim=True)
    moved = base + change
    turned: Tensor = moved * length / (moved.norm(dim=2, keepdim=True) + _TINY)
    return turned


def fit(middle: Tensor, base: Tensor, own: Tensor, change: Tensor, reach: float) -> Tensor:
    """Make changes smaller until no joint is further than `reach` from where it was."""
    for _ in range(30):
        moved = join(middle, turn(base, smooth(change)))
        furthest = float((moved - own).norm(dim=2).max())
        if furthest <= reach:
            return change
        change = change * max(0.5, 0.98 * reach / furthest)
    return torch.zeros_like(change)


def smooth(change: Tensor) -> Tensor:
    """Return changes (M, 11, 3) behind a Gaussian over time."""
    reach = round(3 * _SMOOTH)
    places = torch.arange(-reach, reach + 1, dtype=change.dtype)
    kernel = (-(places**2) / (2 * _SMOOTH**2)).exp()
    rows = change.flatten(1).T[:, None]
    padded = nn.functional.pad(rows, (reach, reach), mode="replicate")
    out = nn.functional.conv1d(padded, (kernel / kernel.sum())[None, None])
    smoothed: Tensor = out[:, 0].T.reshape(change.shape)
    return smoothed


def join(middle: Tensor, vectors: Tensor) -> Tensor:
    """Return joints (M, 12, 3), as `gaitproof.gait.canonical.join_segments`, which is linear."""
    shape = vectors.shape[1:]
    each = np.eye(shape.numel()).reshape(-1, *shape)
    basis = torch.from_numpy(join_segments(np.zeros((len(each), 3)), each))
    return middle[:, None] + torch.einsum("mk,kjc->mjc", vectors.flatten(1), basis)


def features_of(points: Tensor) -> Tensor:
    """Return features (N, 60, 78) of every window of joints (M, 12, 3), as `to_windows`."""
    windows = points.unfold(0, WINDOW_FRAMES, WINDOW_HOP).permute(0, 3, 1, 2)
    hip, shoulder = (windows[:, :, pair].mean(dim=2) for pair in (HIPS, SHOULDERS))
    trunks = (shoulder - hip).norm(dim=2).sort(dim=1).values
    half = WINDOW_FRAMES // 2
    torso = trunks[:, half - 1 : half + 1].mean(dim=1)[:, None, None, None]
    coordinates = ((windows - hip[:, :, None]) / torso).flatten(2)
    angles = []
    for a, b, c in ANGLES:
        u, v = windows[:, :, a] - windows[:, :, b], windows[:, :, c] - windows[:, :, b]
        angles.append(torch.atan2(torch.linalg.cross(u, v).norm(dim=2), (u * v).sum(dim=2)))
    (velocity,) = torch.gradient(coordinates, spacing=1 / WINDOW_RATE, dim=1)
    return torch.cat((coordinates, torch.stack(angles, dim=2), velocity), dim=2)


def normalise(encoder: OnnxEncoder, features: Tensor, known: NDArray[np.bool_]) -> Tensor:
    """Return what the network sees of features (N, 60, 78): heading aligned, z-scored."""
    parts = [features[..., :36], features[..., 42:]]
    joints = [part.unflatten(2, (12, 3)) for part in parts]  # type: ignore[no-untyped-call]
    (left, right) = zip(SHOULDERS, HIPS, strict=True)
    across = (joints[0][:, :, left] - joints[0][:, :, right]).sum(dim=2).mean(dim=1)
    angle = torch.atan2(across[:, 2], across[:, 0])
    c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rotation = torch.stack((c, zero, -s, zero, one, zero, s, zero, c), dim=1).reshape(-1, 1, 3, 3)
    turned = [(part @ rotation).flatten(2) for part in joints]
    aligned = torch.cat((turned[0], features[..., 36:42], turned[1]), dim=2)
    card = encoder.card
    scores = (aligned - torch.tensor(card.mean)) / torch.tensor(card.std)
    return scores * torch.from_numpy(known)
