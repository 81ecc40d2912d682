"""How a person was filmed: the footage's domain, and what place and camera leave in the joints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from gaitproof.config import Settings
from gaitproof.gait.view import N_SPREADS, log_spreads, walking_directions
from gaitproof.types import Domain, GaitWindows, PoseSequence
from gaitproof.verify.motion import mean_measures

MAX_DOMAIN: Final = 700
"""Characters of a domain: three parts of 200 and what is between them."""


_Degrees = Annotated[float, Field(ge=-180, le=180)]


class Filming(Settings):
    """How a person was filmed, stored beside the embeddings of a recording.

    Two recordings of one domain were made by the same kind of camera, read by the same estimator,
    at the same place as far as a place was named.
    """

    domain: str = Field(max_length=MAX_DOMAIN)
    """``sensor/estimator/site``, see `gaitproof.types.Domain`."""
    spreads: tuple[FiniteFloat, ...] = Field(min_length=N_SPREADS, max_length=N_SPREADS)
    """See `gaitproof.gait.view.log_spreads`."""
    views: tuple[_Degrees, ...] = Field(default=(), max_length=100_000)
    """Walking direction of every window, see `gaitproof.gait.view`; none of a flat source."""
    motion: tuple[FiniteFloat, ...] = Field(default=(), max_length=100)
    """See `gaitproof.verify.motion.mean_measures`; none of a flat source, or from an earlier
    version."""


def describe_filming(
    track: PoseSequence, windows: GaitWindows, site: str, frame_rate: float = 0.0
) -> Filming:
    """Say how a person was filmed.

    Parameters
    ----------
    track
        Landmarks as extracted, which know the size of the frames.
    windows
        The person's, at least one.
    site
        Name of the place; empty if none was given.
    frame_rate
        Of the video, per second; 0 if unknown.

    Raises
    ------
    InputError
        If `site` is too long or holds a line break.
    """
    return Filming(
        domain=str(_domain_of(track, site, frame_rate)),
        spreads=tuple(map(float, log_spreads(windows))),
        views=tuple(round(float(view), 1) for view in walking_directions(windows)),
        motion=mean_measures(windows),
    )


def estimated_of(track: PoseSequence, frame_rate: float) -> int:
    """Return of how many frames of a video one was estimated: 1 for each, 2 for every second."""
    return max(1, round(frame_rate / track.frame_rate)) if len(track) > 1 else 1


def _domain_of(track: PoseSequence, site: str, frame_rate: float) -> Domain:
    """Return the domain of a track: frame size and rate stand for the camera."""
    size = "unknown" if track.frame_size is None else "x".join(map(str, track.frame_size))
    filmed = track.frame_rate * estimated_of(track, frame_rate)
    rate = f" at {filmed:.0f}" if len(track) > 1 else ""
    return Domain.of(sensor=size + rate, estimator=track.estimator, site=site)


def mean_spreads(filmings: Iterable[Filming | None]) -> NDArray[np.float64] | None:
    """Return the mean of the spreads of filmings that are known, shape (52,); None without one."""
    known = [filming.spreads for filming in filmings if filming is not None]
    return np.mean(known, axis=0) if known else None


def mean_motion(filmings: Iterable[Filming | None]) -> tuple[float, ...]:
    """Return the mean of the measures of motion of filmings that are known; none without one."""
    known = [filming.motion for filming in filmings if filming is not None and filming.motion]
    return tuple(np.mean(known, axis=0).tolist()) if known else ()


def known_views(filmings: Iterable[Filming | None]) -> NDArray[np.float64]:
    """Return the walking directions of all windows, shape (N,), degrees."""
    return np.array([view for one in filmings if one is not None for view in one.views])
