"""Which joints the features of a window are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gaitproof.errors import PoseError
from gaitproof.types.landmarks import COCO_LANDMARKS, GAIT_LANDMARKS, LEFT_RIGHT_PAIRS, Landmark

N_ANGLES: Final = 6
"""Left and right knee, hip and ankle."""

_SWAP: Final = {a: b for pair in LEFT_RIGHT_PAIRS for a, b in (pair, pair[::-1])}


@dataclass(frozen=True)
class Layout:
    """The joints of a window in the order of its features: coordinates, angles, velocities.

    Parameters
    ----------
    name
        As recipes call it.
    features
        As model cards call its features.
    landmarks
        The joints. All layouts have shoulders, hips, knees and ankles.
    """

    name: str
    features: str
    landmarks: tuple[Landmark, ...]

    @property
    def n_features(self) -> int:
        """Numbers per frame: three coordinates and velocities of every joint, six angles."""
        return 6 * len(self.landmarks) + N_ANGLES

    @property
    def coordinates(self) -> slice:
        """Columns of the coordinates."""
        return slice(0, 3 * len(self.landmarks))

    @property
    def angles(self) -> slice:
        """Columns of the joint angles."""
        return slice(3 * len(self.landmarks), 3 * len(self.landmarks) + N_ANGLES)

    @property
    def velocities(self) -> slice:
        """Columns of the velocities."""
        return slice(3 * len(self.landmarks) + N_ANGLES, self.n_features)

    def pair(self, name: str) -> tuple[int, int]:
        """Return the places of the left and the right joint of a name such as ``HIP``."""
        left, right = (self.landmarks.index(Landmark[f"{s}_{name}"]) for s in ("LEFT", "RIGHT"))
        return left, right

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """Place of every joint's counterpart on the other side; its own where it has none."""
        return tuple(self.landmarks.index(_SWAP.get(one, one)) for one in self.landmarks)


GAIT_LAYOUT: Final = Layout("gait-12", "gait-78/1", GAIT_LANDMARKS)
"""Shoulders, hips and legs down to heels and toes: what everything but some networks reads."""

COCO_LAYOUT: Final = Layout("coco-17", "coco-108/1", COCO_LANDMARKS)
"""With nose, eyes, ears, elbows and wrists, without feet: what the papers' networks read."""

LAYOUTS: Final[Mapping[str, Layout]] = {one.name: one for one in (GAIT_LAYOUT, COCO_LAYOUT)}
"""By name."""

_BY_COUNT: Final = {len(one.landmarks): one for one in LAYOUTS.values()} | {
    one.n_features: one for one in LAYOUTS.values()
}


def layout_of(count: int) -> Layout:
    """Return the layout with so many joints, 12 or 17, or so many features, 78 or 108.

    Raises
    ------
    PoseError
        If there is none.
    """
    if count not in _BY_COUNT:
        raise PoseError(
            "No layout has so many joints or features.",
            expected=", ".join(map(str, _BY_COUNT)),
            actual=str(count),
        )
    return _BY_COUNT[count]
