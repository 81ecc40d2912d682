"""One person's silhouettes over time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.errors import PoseError
from gaitproof.types.rows import Chosen, Frames, freeze

MASK_HEIGHT: Final = 64
MASK_WIDTH: Final = 44
"""Rows and columns of a silhouette (Chao et al., GaitSet, AAAI 2019)."""

MASK_BYTES: Final = MASK_HEIGHT * MASK_WIDTH // 8
"""Bytes of one packed silhouette."""

Float32 = NDArray[np.float32]

_SHARES: Final = ("cut", "holes", "torn")
"""Figures per frame that lie between 0 and 1."""


def pack_masks(masks: ArrayLike) -> NDArray[np.uint8]:
    """Pack masks of shape (T, 64, 44), of which everything but 0 is the person, into (T, 352).

    Raises
    ------
    PoseError
        If the shape is another one.
    """
    array = np.asarray(masks)
    if array.shape[1:] != (MASK_HEIGHT, MASK_WIDTH):
        raise PoseError(
            "Silhouettes have the wrong shape.",
            expected=f"(frames, {MASK_HEIGHT}, {MASK_WIDTH})",
            actual=str(array.shape),
        )
    return np.packbits(array.reshape(len(array), 8 * MASK_BYTES) != 0, axis=1)


@dataclass(frozen=True, eq=False)
class SilhouetteSequence(Frames):
    """Silhouettes of one person, one row per video frame; immutable and validated.

    A silhouette is 64 rows high and 44 columns wide: the person's mask from its first to its last
    row, centred on its median column. A frame without the person is an empty mask, and every
    figure of it is NaN. What a source does not tell (images that were normalised before) is NaN
    as well, or 0 where it follows from the mask.

    Parameters
    ----------
    timestamps
        Shape (T,), seconds, finite and strictly increasing; those of the pose track, if any.
    bits
        Shape (T, 352), uint8: ``numpy.packbits`` of the 64 × 44 masks; see `from_masks`.
    height
        Shape (T,), pixels from the first to the last row of the mask in the upright source frame.
    corner
        Shape (T, 2), pixels (x, y) in the source frame of the silhouette's upper left corner. The
        silhouette covers ``height`` rows and ``height * 44 / 64`` columns from there.
    cut
        Shape (T,), 0 to 1: pixels of the mask that touch the frame's edge, per pixel of `height`.
    holes
        Shape (T,), 0 to 1: share of the filled mask's area that is holes.
    torn
        Shape (T,), 0 to 1: share of the segmented area that hangs together with nothing and was
        left out.
    jump
        Shape (T,), at least 0: how much the logarithm of the mask's area differs from its median
        over the neighbouring frames.
    estimator
        Identifier of what made the masks, with its version.
    source_sha256
        SHA-256 of the source file as 64 hexadecimal digits, or None.

    Raises
    ------
    PoseError
        If a shape, a range or the order of the time stamps is wrong, or a frame without a mask has
        a figure.
    """

    timestamps: NDArray[np.float64]
    bits: NDArray[np.uint8]
    height: Float32
    corner: Float32
    cut: Float32
    holes: Float32
    torn: Float32
    jump: Float32
    estimator: str = "unknown"
    source_sha256: str | None = None

    def __post_init__(self) -> None:
        times = np.array(self.timestamps, np.float64)
        if times.ndim != 1 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise PoseError(
                "Time stamps of silhouettes must be a row of finite, strictly increasing seconds."
            )
        n = len(times)
        arrays: dict[str, NDArray[Any]] = {"timestamps": times}
        for name in FRAME_FIGURES:
            arrays[name] = np.array(getattr(self, name), np.float32)
        arrays["bits"] = np.array(self.bits)
        if arrays["bits"].dtype != np.uint8:
            raise PoseError("Silhouettes must be packed bits.", actual=str(arrays["bits"].dtype))
        shapes = {"timestamps": (n,), "bits": (n, MASK_BYTES), "corner": (n, 2)}
        for name, array in arrays.items():
            expected = shapes.get(name, (n,))
            if array.shape != expected:
                raise PoseError(
                    f"The array '{name}' of silhouettes has the wrong shape.",
                    expected=str(expected),
                    actual=str(array.shape),
                )
        freeze(self, **arrays)
        self._check_figures()

    def _check_figures(self) -> None:
        limits = {"height": (1.0, np.inf), "jump": (0.0, np.inf)} | dict.fromkeys(
            _SHARES, (0.0, 1.0)
        )
        absent = ~self.present
        for name in FRAME_FIGURES:
            values = getattr(self, name)
            low, high = limits.get(name, (-np.inf, np.inf))
            wrong = np.isinf(values) | (values < low) | (values > high)
            if wrong.any():
                raise PoseError(
                    f"'{name}' of a silhouette is out of its range.",
                    expected=f"{low:g} to {high:g}, or NaN",
                    actual=str(values[wrong].flat[0]),
                )
            if not np.isnan(values[absent]).all():
                raise PoseError(f"A frame without a mask must have NaN as its '{name}'.")

    @classmethod
    def from_masks(
        cls,
        timestamps: ArrayLike,
        masks: ArrayLike,
        *,
        estimator: str = "unknown",
        source_sha256: str | None = None,
        **figures: ArrayLike,
    ) -> Self:
        """Pack masks of shape (T, 64, 44); what is not given of `FRAME_FIGURES` is NaN.

        Figures of frames without a mask are set to NaN.
        """
        bits = pack_masks(masks)
        present = bits.any(axis=1)
        values: dict[str, Any] = {}
        for name in FRAME_FIGURES:
            shape = (len(bits), 2) if name == "corner" else (len(bits),)
            array = np.full(shape, np.nan, np.float32)
            if name in figures:
                array[present] = np.asarray(figures.pop(name), np.float32)[present]
            values[name] = array
        if figures:
            raise TypeError(f"unknown figures: {', '.join(figures)}")
        return cls(
            timestamps=np.asarray(timestamps, np.float64),
            bits=bits,
            estimator=estimator,
            source_sha256=source_sha256,
            **values,
        )

    @classmethod
    def empty(cls, timestamps: ArrayLike) -> Self:
        """Return frames without a mask."""
        times = np.asarray(timestamps, np.float64)
        return cls.from_masks(times, np.zeros((len(times), MASK_HEIGHT, MASK_WIDTH), bool))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Shape (T,): whether a frame has a mask."""
        seen: NDArray[np.bool_] = self.bits.any(axis=1)
        return seen

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Shape (T, 64, 44): True is the person."""
        flat = np.unpackbits(self.bits, axis=1).astype(bool)
        return flat.reshape(len(self), MASK_HEIGHT, MASK_WIDTH)

    def select(self, frames: Chosen) -> Self:
        """Return only the given frames, by increasing index or by mask."""
        names = ("timestamps", "bits", *FRAME_FIGURES)
        return replace(self, **{name: getattr(self, name)[frames] for name in names})


FRAME_FIGURES: Final = tuple(
    field.name
    for field in fields(SilhouetteSequence)
    if field.name not in ("timestamps", "bits", "estimator", "source_sha256")
)
"""Names of the figures that every frame has."""
