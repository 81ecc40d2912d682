"""Two-dimensional walks and recipes that need depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings


def check_dimensions(settings: TrainSettings, recordings: Sequence[Recording]) -> None:
    """Refuse walks whose dimensions do not fit each other or the recipe.

    A flat walk cannot be turned, tilted or stretched in depth, has no heading to be aligned by,
    and its bones have no lengths.

    Raises
    ------
    ConfigError
        If flat and three-dimensional walks are mixed, or the recipe treats flat ones as if they
        had depth.
    """
    dimensions: dict[bool, set[str]] = {True: set(), False: set()}
    for walk in recordings:
        if len(walk.points):  # a video in which nobody was found has no dimension
            dimensions[walk.flat].add(walk.source)
    flat, deep = (", ".join(sorted(dimensions[kind])) for kind in (True, False))
    if not flat:
        return
    if deep:
        raise ConfigError(
            "Two- and three-dimensional walks cannot be mixed in one recipe.",
            expected="sources of one kind",
            actual=f"two-dimensional: {flat}; three-dimensional: {deep}",
        )
    shown = settings.augment
    wanted = {
        "augment.yaw: 0": shown.yaw == 0,
        "augment.tilt: 0": shown.tilt == 0,
        "augment.depth: 0": shown.depth == 0,
        "augment.estimator_error: false": not shown.estimator_error,
        "alignment: camera": settings.alignment == "camera",
        "bones: own": settings.bones == "own",
    }
    lacking = ", ".join(setting for setting, met in wanted.items() if not met)
    if lacking:
        raise ConfigError(
            f"The recipe needs walks with depth, and {flat} is two-dimensional.", hint=lacking
        )
