"""One person's landmarks over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types.landmarks import N_LANDMARKS, Landmark
from gaitproof.types.rows import Chosen, Frames

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_TOES = (Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX)


def _frozen(name: str, value: object, dtype: type, shape: tuple[int, ...]) -> NDArray[np.generic]:
    array: NDArray[np.generic] = np.array(value, dtype=dtype)
    if array.shape != shape:
        raise PoseError(
            f"The array '{name}' of a pose sequence has the wrong shape.",
            expected=str(shape),
            actual=str(array.shape),
        )
    array.setflags(write=False)
    return array


MIN_INTERVAL: Final = 1e-6
"""Seconds between two frames, at least: over less, speeds are beyond all numbers. The clocks of
containers tick every 11 microseconds or more slowly."""


@dataclass(frozen=True, eq=False)
class PoseSequence(Frames):
    """Landmarks of one person, one row per video frame; immutable and validated.

    A landmark that was not seen, or that the sensor does not have, is NaN in every coordinate and
    has visibility 0. A frame without the person is a row of NaN. At least one of `image` and
    `world` is given.

    Parameters
    ----------
    timestamps
        Shape (T,), seconds, finite and strictly increasing.
    image
        Shape (T, 33, 2), pixels of the upright image with square pixels, x right, y down; or
        None for a source without an image (motion capture, depth sensor).
    world
        Shape (T, 33, 3), metres, right-handed: x right in the image, y up, z towards the
        camera. The origin is free (estimators put it at the mid-hip). None for a 2-D source.
    visibility
        Shape (T, 33), 0 (not seen) to 1 (seen).
    frame_size
        (width, height) of the upright image in pixels; needed with `image`.
    estimator
        Identifier of what made the landmarks, with its version, as ``mediapipe-0.10.21/1``.
    source_sha256
        SHA-256 of the source file as 64 hexadecimal digits, or None.
    camera_motion
        Shape (T,), speed of the background in frame widths per second, NaN where unknown; or None.
    feet
        Whether the source tells where the toes are; COCO-17 ends at the ankles. Toes that a source
        with feet never shows are out of sight, and the walk cannot be judged; what a source
        without feet does not have is masked.

    Raises
    ------
    PoseError
        If a shape, a range or the order of the time stamps is wrong, or a source without feet
        has toes.

    Examples
    --------
    >>> import numpy as np
    >>> import gaitproof as gp
    >>> sequence = gp.PoseSequence(
    ...     timestamps=np.arange(60) / 30,
    ...     image=None,
    ...     world=np.zeros((60, 33, 3)),
    ...     visibility=np.ones((60, 33)),
    ...     frame_size=None,
    ...     estimator="a-sensor-1",
    ... )
    >>> round(sequence.frame_rate), sequence.has_depth
    (30, True)
    """

    timestamps: Float64
    image: Float32 | None
    world: Float32 | None
    visibility: Float32
    frame_size: tuple[int, int] | None = None
    estimator: str = "unknown"
    source_sha256: str | None = None
    camera_motion: Float32 | None = None
    feet: bool = True

    def __post_init__(self) -> None:
        times = np.array(self.timestamps, dtype=np.float64)
        if times.ndim != 1:
            raise PoseError(
                "Time stamps of a pose sequence must be one-dimensional.", actual=str(times.shape)
            )
        n = len(times)
        if not np.isfinite(times).all() or (np.diff(times) < MIN_INTERVAL).any():
            raise PoseError(
                "Time stamps of a pose sequence must be finite and strictly increasing seconds.",
                expected=f"at least {MIN_INTERVAL:g} s between two frames",
            )
        if self.image is None and self.world is None:
            raise PoseError("A pose sequence needs image or world coordinates, or both.")
        if self.image is not None and self.frame_size is None:
            raise PoseError("A pose sequence with image coordinates needs its frame size.")
        if self.frame_size is not None and min(self.frame_size) < 1:
            raise PoseError("The frame size must be positive.", actual=str(self.frame_size))
        times.setflags(write=False)
        fields: dict[str, object] = {"timestamps": times}
        fields["visibility"] = _frozen("visibility", self.visibility, np.float32, (n, N_LANDMARKS))
        for name, width in (("image", 2), ("world", 3)):
            value = getattr(self, name)
            if value is not None:
                array = _frozen(name, value, np.float32, (n, N_LANDMARKS, width))
                if np.isinf(array).any():
                    raise PoseError(f"'{name}' coordinates must be finite, or NaN if unknown.")
                fields[name] = array
        if self.camera_motion is not None:
            fields["camera_motion"] = _frozen("camera_motion", self.camera_motion, np.float32, (n,))
        seen = np.asarray(fields["visibility"], np.float32)
        if not ((seen >= 0) & (seen <= 1)).all():
            raise PoseError("Visibility must lie between 0 and 1.")
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        points = self.world if self.world is not None else self.image
        assert points is not None
        if not self.feet and np.isfinite(points[:, _TOES]).any():
            raise PoseError("A pose sequence without feet must not hold toes.")

    @property
    def has_depth(self) -> bool:
        """Whether the landmarks are three-dimensional."""
        return self.world is not None

    @property
    def detected(self) -> NDArray[np.bool_]:
        """Shape (T,): whether any landmark of the person is known in a frame."""
        points = self.world if self.world is not None else self.image
        assert points is not None
        seen: NDArray[np.bool_] = np.isfinite(points).all(axis=2).any(axis=1)
        return seen

    def select(self, frames: Chosen) -> Self:
        """Return only the given frames, by increasing index or by mask."""
        return replace(
            self,
            timestamps=self.timestamps[frames],
            image=None if self.image is None else self.image[frames],
            world=None if self.world is None else self.world[frames],
            visibility=self.visibility[frames],
            camera_motion=None if self.camera_motion is None else self.camera_motion[frames],
        )
