"""What a pose estimator gets wrong, learnt from walks whose true joints are known.

Synthetic walkers have true joints, and the estimator's of the same video. The difference, in torso
lengths and with the hips in the origin, is taken apart into

- a systematic error: a linear map of the true joints whose coefficients depend on the view (the
  heading's first two harmonics), fitted by ridge regression. It holds the bias of every joint, the
  flattened depth and the estimator's liking for average bodies;
- an error that is constant within a window: a normal distribution over all joints together;
- an error that changes from frame to frame: normal, with the covariance of the joints and, along
  each principal axis of it, the measured power spectrum. Frequencies have random phases.

Real walks that are shown with such errors look as if the estimator had seen them in a video.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from gaitproof.data.gait.load import load_manifest
from gaitproof.data.gait.recording import Recording
from gaitproof.data.manifest import find_parents, read_manifest
from gaitproof.errors import InputError, ModelError
from gaitproof.gait.events import JOINT
from gaitproof.gait.features import gait_points, mirror, unbroken_paths
from gaitproof.pose.formats.npz import load_npz
from gaitproof.reading import FileKind, guarded, parse_json, read_tensors, shown
from gaitproof.types import GAIT_LANDMARKS, Landmark
from gaitproof.types.layouts import layout_of
from gaitproof.types.rotations import axis_rotations
from gaitproof.types.rows import freeze
from gaitproof.types.windows import WINDOW_FRAMES

Float64 = NDArray[np.float64]

ASSET: Final = Path(__file__).parent / "assets" / "estimator-error.safetensors"
"""Learnt by ``gaitproof dataset estimator-error``; its metadata say from what."""

FORMAT: Final = "gaitproof-estimator-error/1"

MIN_PAIRS: Final = 8
"""Fewer walks say nothing of the error between walks."""

_FILE: Final = FileKind("estimator error", ModelError, 2**26, expected=FORMAT)
_ABOUT: Final = "about"
_HOP: Final = WINDOW_FRAMES // 2
_N: Final = 3 * len(GAIT_LANDMARKS)
_HIPS: Final = [JOINT[Landmark.LEFT_HIP], JOINT[Landmark.RIGHT_HIP]]
_SHOULDERS: Final = [JOINT[Landmark.LEFT_SHOULDER], JOINT[Landmark.RIGHT_SHOULDER]]
_SEEN_BY: Final = [i for i, joint in enumerate(GAIT_LANDMARKS) if not joint.name.endswith("_HEEL")]
"""Joints that the systematic error depends on: some sensors have no heels."""
_HARMONICS: Final = 2
_REGRESSORS: Final = (1 + 3 * len(_SEEN_BY)) * (1 + 2 * _HARMONICS)
_RIDGE: Final = 1e-3
"""Of the regressors' mean power."""
_SHAPES: Final = {
    "weights": (_REGRESSORS, _N),
    "bias": (_N, _N),
    "axes": (_N, _N),
    "spectra": (_N, WINDOW_FRAMES // 2 + 1),
    "headings": (2,),
}


class Pair(NamedTuple):
    """The same unbroken frames of a walk, true and estimated.

    Parameters
    ----------
    subject
        Who walks.
    true, estimated
        Shape (M, 12, 3) at 30 Hz, in torso lengths, the hips in the origin; x right in the image,
        y up, z towards the camera.
    """

    subject: str
    true: Float64
    estimated: Float64


@dataclass(frozen=True, eq=False)
class EstimatorError:
    """A learnt estimator error; see the module.

    Parameters
    ----------
    weights
        Shape (R, 36): systematic error by regressor.
    bias
        Shape (36, 36): standard normal numbers times it are a window's constant error.
    axes
        Shape (36, 36), orthonormal rows: the principal axes of the changing error.
    spectra
        Shape (36, 31): mean power of `numpy.fft.rfft` of 60 frames along each axis.
    headings
        Shape (2,): least and largest angle between walking direction and camera that was learnt
        from, radians, to either side.
    provenance
        What it was learnt from.
    """

    weights: Float64
    bias: Float64
    axes: Float64
    spectra: Float64
    headings: Float64
    provenance: str = ""

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            value = np.array(getattr(self, name), np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise ModelError(
                    f"The array {name!r} of an estimator error is malformed.",
                    expected=f"finite numbers of shape {shape}",
                    actual=str(value.shape),
                )
            freeze(self, **{name: value})

    def systematic(self, true: Float64) -> Float64:
        """Return the mean error (B, T, 12, 3) of the joints of windows (B, T, 12, 3)."""
        return (_regressors(true) @ self.weights).reshape(true.shape)

    def random(self, rng: np.random.Generator, count: int) -> Float64:
        """Draw the random errors of `count` windows, shape (B, 60, 12, 3)."""
        constant = rng.standard_normal((count, 1, _N)) @ self.bias
        real, imaginary = rng.standard_normal((2, count, *self.spectra.shape))
        waves = np.sqrt(self.spectra / 2) * (real + 1j * imaginary)
        waves[..., -1] = np.sqrt(self.spectra[:, -1]) * real[..., -1]
        changing = np.fft.irfft(waves, WINDOW_FRAMES, axis=-1)
        errors: Float64 = constant + changing.swapaxes(1, 2) @ self.axes
        return errors.reshape(count, WINDOW_FRAMES, len(GAIT_LANDMARKS), 3)

    def show(self, points: Float64, rng: np.random.Generator) -> Float64:
        """Show true walks as the estimator would see them, from views that were learnt from.

        Parameters
        ----------
        points
            Shape (B, 60, 12, 3) at 30 Hz, y up, any length unit; NaN for joints that the source
            does not have (heels), which stay unknown.
        rng
            Random generator.

        Returns
        -------
        ndarray of float64
            The same windows in torso lengths, the hips near the origin, each turned to a view of
            its own.
        """
        true = in_torsos(points)
        low, high = self.headings
        view = rng.uniform(low, high, len(true)) * rng.choice([-1.0, 1.0], len(true))
        turn = axis_rotations("y", np.degrees(view - heading(true)))
        turned = true @ turn.transpose(0, 2, 1)[:, None]
        return np.asarray(turned + self.systematic(turned) + self.random(rng, len(true)))

    def size(self, runs: Sequence[Float64]) -> dict[str, float]:
        """Return the root mean square of each kind of error, torso lengths.

        Parameters
        ----------
        runs
            True joints of walks, each (M, 12, 3), M at least 60; the systematic error is theirs.
        """
        windows = np.concatenate([_cut(run) for run in runs])
        # the power of a spectrum's lines, all but the first and the last of which stand for two
        lines = np.full(self.spectra.shape[1], 2.0)
        lines[[0, -1]] = 1.0
        changing = (self.spectra @ lines).sum() / WINDOW_FRAMES**2
        return {
            "systematic": float(np.sqrt(np.mean(self.systematic(windows) ** 2))),
            "constant": float(np.sqrt((self.bias**2).sum() / _N)),
            "changing": float(np.sqrt(changing / _N)),
        }

    def to_bytes(self) -> bytes:
        """Return a safetensors file; the same errors always give the same bytes."""
        arrays = {name: np.ascontiguousarray(getattr(self, name), np.float32) for name in _SHAPES}
        about = {"format": FORMAT, "provenance": self.provenance}
        # one entry, since safetensors writes several in any order
        return save(arrays, {_ABOUT: json.dumps(about, sort_keys=True)})

    @classmethod
    def load(cls, path: Path = ASSET) -> Self:
        """Read what `to_bytes` made.

        Raises
        ------
        ModelError
            If the file is missing or malformed.
        """
        tensors, metadata = read_tensors(path, _FILE)
        about = parse_json(metadata.get(_ABOUT, "{}"), path, _FILE)
        with guarded(path, _FILE):
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {shown(about.get('format'))}")
            arrays = {name: tensors[name] for name in _SHAPES}
            return cls(**arrays, provenance=about["provenance"])


@lru_cache(maxsize=1)
def shipped_error() -> EstimatorError:
    """Return the error of the default estimator that comes with the package."""
    return EstimatorError.load()


def in_torsos(points: Float64) -> Float64:
    """Return windows (..., T, J, 3) in torso lengths (median over T), the hips in the origin."""
    layout = layout_of(points.shape[-2])
    hip = points[..., layout.pair("HIP"), :].mean(axis=-2, keepdims=True)
    shoulder = points[..., layout.pair("SHOULDER"), :].mean(axis=-2, keepdims=True)
    torso = np.median(np.linalg.norm(shoulder - hip, axis=-1), axis=(-2, -1))
    return np.asarray((points - hip) / np.maximum(torso, 1e-9)[..., None, None, None])


def heading(points: Float64) -> Float64:
    """Return the mean angle of windows (B, T, 12, 3) to the camera, radians; shape (B,).

    0 walks towards the camera, pi / 2 to the right of the image.
    """
    left, right = zip(_HIPS, _SHOULDERS, strict=True)
    across = (points[..., left, :] - points[..., right, :]).sum(axis=-2).mean(axis=-2)
    return np.asarray(np.arctan2(-across[..., 2], across[..., 0]))


def load_pairs(manifest: Path) -> list[Pair]:
    """Pair the extracted poses of synthetic walks with their truth.

    Parameters
    ----------
    manifest
        Of a folder that `gaitproof.synth.dataset.make` filled and ``gaitproof extract`` worked on:
        the truth of ``p000/w00_v30.mp4`` is ``p000/w00_v30.npz``, and that of a copy that
        ``gaitproof dataset augment`` made as seen from farther away is its parent's.

    Raises
    ------
    InputError
        If a file is missing or malformed, or a copy was changed otherwise.
    """
    rows = [row for row in read_manifest(manifest) if row.label == "real"]
    parents = find_parents(rows)
    pairs: list[Pair] = []
    for row, estimated in zip(rows, load_manifest(manifest, "made"), strict=True):
        parent = parents.get(row.path)
        origin = parent.path if parent is not None else row.parent or row.path
        if origin != row.path and "~distance" not in row.path:
            raise InputError(
                f"The joints of {row.path!r} are not those of {origin!r}.",
                hint="leave all copies out but those of the kind 'distance'",
            )
        truth = (manifest.parent / origin).with_suffix(".npz")
        sequence = load_npz(truth)
        if not sequence.has_depth:
            raise InputError(f"The truth of {row.path!r} has no depth.")
        pairs += _pair(estimated, sequence.timestamps, gait_points(sequence))
    return pairs


def _pair(estimated: Recording, times: Float64, true: Float64) -> Iterable[Pair]:
    for grid, path in unbroken_paths(estimated.times, estimated.points):
        inside = (grid >= times[0] - 1e-6) & (grid <= times[-1] + 1e-6)
        if inside.sum() < WINDOW_FRAMES:
            continue
        flat = true.reshape(len(true), -1)
        same = np.stack([np.interp(grid[inside], times, column) for column in flat.T], axis=1)
        shape = (len(same), len(GAIT_LANDMARKS), 3)
        yield Pair(estimated.subject, in_torsos(same.reshape(shape)), in_torsos(path[inside]))


def _regressors(true: Float64) -> Float64:
    """Return the joints and 1, each times the harmonics of the heading; shape (B, T, R)."""
    angles = np.arange(1, _HARMONICS + 1) * heading(true)[:, None]
    views = np.concatenate([np.ones((len(true), 1)), np.cos(angles), np.sin(angles)], axis=1)
    joints = true[:, :, _SEEN_BY].reshape(*true.shape[:2], -1)
    known = np.concatenate([np.ones((*joints.shape[:2], 1)), joints], axis=2)
    regressors: Float64 = np.einsum("bv,btj->btvj", views, known).reshape(*true.shape[:2], -1)
    return regressors


def fit_estimator_error(pairs: Sequence[Pair], provenance: str = "") -> EstimatorError:
    """Learn an estimator error from true and estimated joints.

    Parameters
    ----------
    pairs
        At least `MIN_PAIRS` runs of 2 s or more. Each also counts mirrored: an estimator knows no
        better side.
    provenance
        Kept with the result.

    Raises
    ------
    InputError
        If there are too few pairs, or joints are unknown in them.
    """
    if len(pairs) < MIN_PAIRS:
        raise InputError(
            "Too few recordings to learn the estimator's error from.",
            expected=f"{MIN_PAIRS} or more of at least 2 s",
            actual=str(len(pairs)),
        )
    true, estimated = (
        np.concatenate([_cut(getattr(pair, name)) for pair in pairs])
        for name in ("true", "estimated")
    )
    if not (np.isfinite(true).all() and np.isfinite(estimated).all()):
        raise InputError("The estimator's error can be learnt only where all joints are known.")
    seen = np.abs(heading(true))
    true, estimated = (np.concatenate([part, mirror(part)]) for part in (true, estimated))
    errors = (estimated - true).reshape(-1, _N)
    inputs = _regressors(true).reshape(len(errors), -1)
    power = inputs.T @ inputs
    ridge = _RIDGE * np.trace(power) / len(power)
    weights = np.linalg.solve(power + ridge * np.eye(len(power)), inputs.T @ errors)
    left = (errors - inputs @ weights).reshape(len(true), -1, _N)
    constant = left.mean(axis=1)
    changing = left - constant[:, None]
    _, axes = np.linalg.eigh(np.einsum("bti,btj->ij", changing, changing))
    spectra = (np.abs(np.fft.rfft(changing @ axes, axis=1)) ** 2).mean(axis=0)
    spread, directions = np.linalg.eigh(constant.T @ constant / len(constant))
    return EstimatorError(
        weights=weights,
        bias=np.sqrt(spread.clip(0))[:, None] * directions.T,
        axes=axes.T,
        spectra=spectra.T,
        headings=np.quantile(seen, [0.01, 0.99]),
        provenance=provenance,
    )


def _cut(run: Float64) -> Float64:
    windows = np.lib.stride_tricks.sliding_window_view(run, WINDOW_FRAMES, axis=0)[::_HOP]
    return np.moveaxis(windows, -1, 1)
