"""How well a manipulated video carries the walk of its original, and what that says."""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np

from gaitproof.gait.alignment import (
    JOINTS,
    Float64,
    Track,
    align_image,
    align_time,
    hip_centred,
    map_times,
    torso_heights,
)
from gaitproof.types import Landmark, PoseSequence
from gaitproof.types.preservation import (
    Agreement,
    Criteria,
    Framing,
    Outcome,
    PublishedCriteria,
    Timing,
)

PCK_SHARE: Final = 0.05
"""Of the torso height (gait seed, paper: PCK@0.05)."""

PUBLISHED: Final = {"pck": 0.90, "cosine": 0.95, "correlation": 0.85}
"""The gait seed's limits (paper, preservation metrics); two of the three criteria must hold."""

MIN_SECONDS: Final = 1.5
"""Of common footage, below which nothing is said: about one and a half strides."""

MAX_NOISE: Final = 0.05
"""Torso heights that encoding alone may move the joints by."""

SAME_RATIO: Final = 2.5
OTHER_RATIO: Final = 3.5
"""Distance of the joints over the noise floor: up to the first the footage is the same, from the
second on another. On the eight synthetic pairs that set them, swaps had 0.8 to 2.1 whatever their
compression, other walks 4.3 and more (docs/results/benchmarks.md has twenty other pairs)."""

MOST_DISTANCE: Final = 0.03
"""Torso heights beyond which nothing is called the same, whatever the noise: under strong
compression another take of the same person comes within the ratio (docs/results/benchmarks.md)."""

USUAL_FLOOR: Final = 0.01
"""Torso heights where no floor was measured: that of synthetic walkers at common compression."""

LEAST_FLOOR: Final = 0.004
"""A floor below it would call any difference another walk."""

_LEFT_RIGHT: Final = [
    (JOINTS.index(left), JOINTS.index(Landmark[left.name.replace("LEFT", "RIGHT")]))
    for left in JOINTS
    if left.name.startswith("LEFT")
]
_ANKLES: Final = [JOINTS.index(Landmark.LEFT_ANKLE), JOINTS.index(Landmark.RIGHT_ANKLE)]


def track_of(sequence: PoseSequence) -> Track:
    """Return the joints of a person in the frame.

    Raises
    ------
    ValueError
        If the sequence has no image coordinates.
    """
    if sequence.image is None:
        raise ValueError("the poses have no image coordinates")
    points = np.asarray(sequence.image, np.float64)[:, [int(joint) for joint in JOINTS], :2]
    return Track(np.asarray(sequence.timestamps, np.float64), points)


def compare_tracks(original: Track, swapped: Track) -> tuple[Timing, Framing, Agreement] | None:
    """Align two recordings and measure how well they agree.

    Parameters
    ----------
    original, swapped
        At least two frames each.

    Returns
    -------
    tuple or None
        Alignment in time and image, and the agreement; None if they cannot be aligned.
    """
    timing = align_time(original, swapped)
    if timing is None:
        return None
    wanted = original.at(map_times(timing, swapped.times))
    both = np.isfinite(wanted).all(axis=2) & np.isfinite(swapped.points).all(axis=2)
    frames = both.sum(axis=1) >= len(JOINTS) // 2
    if frames.sum() < 3:
        return None
    with warnings.catch_warnings():
        # medians over joints that are unknown in all frames
        warnings.simplefilter("ignore", RuntimeWarning)
        framing = align_image(wanted[frames], swapped.points[frames])
        return (
            timing,
            framing,
            measure_agreement(
                swapped.times[frames],
                framing.scale * wanted[frames] + framing.shift,
                swapped.points[frames],
            ),
        )


def measure_agreement(times: Float64, original: Float64, swapped: Float64) -> Agreement:
    """Measure how well aligned joints agree.

    Parameters
    ----------
    times
        Shape (T,), seconds, increasing.
    original, swapped
        Shapes (T, 16, 2), pixels of the same frame; NaN where unknown.

    Notes
    -----
    PCK@0.05, cosine and the two correlations as the gait seed's paper names them. It gives no
    formulas for the series; here the step width is the horizontal distance of the ankles, and the
    symmetry the mean over left-right pairs of how much farther the left joint is from the middle of
    the hips than the right one, both in torso heights.
    """
    torso = torso_heights(original)[:, None]
    distance = np.linalg.norm(swapped - original, axis=2) / np.maximum(torso, 1e-9)
    known = np.isfinite(distance)
    a, b = (
        np.nan_to_num(np.where(known[..., None], hip_centred(points), 0.0)).reshape(len(points), -1)
        for points in (original, swapped)
    )
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1)[norms > 0] / norms[norms > 0]
    # in the frame, free of the walk's own translation
    velocities = [np.gradient(hip_centred(points), times, axis=0) for points in (original, swapped)]
    joints = {
        joint.name.lower(): _correlation(*(velocity[:, i] for velocity in velocities))
        for i, joint in enumerate(JOINTS)
    }
    return Agreement(
        pck=float((distance[known] <= PCK_SHARE).mean()),
        cosine=float(cosine.mean()),
        step_width=_correlation(*(_step_width(p) for p in (original, swapped))),
        symmetry=_correlation(*(_symmetry(p) for p in (original, swapped))),
        distance=float(np.median(distance[known])),
        velocity=float(np.nanmedian(list(joints.values()))),
        joints=joints,
    )


def published_criteria(agreement: Agreement) -> PublishedCriteria:
    """Apply the gait seed's limits as published."""
    return PublishedCriteria(
        pck=agreement.pck >= PUBLISHED["pck"],
        cosine=agreement.cosine >= PUBLISHED["cosine"],
        correlations=bool(
            min(agreement.step_width, agreement.symmetry) >= PUBLISHED["correlation"]
        ),
    )


def decide(
    timing: Timing | None,
    agreement: Agreement | None,
    floor: Agreement | None,
    criteria: Criteria = "measured",
) -> tuple[Outcome, str]:
    """Say whether the walk is the original's, and why.

    Parameters
    ----------
    timing, agreement
        As `compare_tracks` returns them; None if the recordings could not be aligned.
    floor
        Agreement of the original with the same video encoded anew; None if it was not measured.
    criteria
        ``published`` answers by two of the gait seed's three criteria, which know no noise; they
        let 18 of 80 other walks through (docs/results/benchmarks.md).

    Returns
    -------
    tuple
        The outcome and one sentence.
    """
    if timing is None or agreement is None:
        return Outcome.INCONCLUSIVE, "The two recordings have too little in common to be aligned."
    if timing.overlap < MIN_SECONDS:
        return (
            Outcome.INCONCLUSIVE,
            f"Only {timing.overlap:.1f} s of both could be aligned; at least {MIN_SECONDS:g} s are "
            "needed.",
        )
    if criteria == "published":
        held = published_criteria(agreement)
        if held.passed:
            return Outcome.PRESERVED, f"By the published criteria the walk is kept: {held.words()}."
        return Outcome.CHANGED, f"By the published criteria the walk is not kept: {held.words()}."
    noise = USUAL_FLOOR if floor is None else max(floor.distance, LEAST_FLOOR)
    if noise > MAX_NOISE:
        return (
            Outcome.INCONCLUSIVE,
            f"Encoding the original anew alone moves its joints by {100 * noise:.1f} % of the "
            f"torso; more than {100 * MAX_NOISE:g} % hides what was changed.",
        )
    ratio = agreement.distance / noise
    said = (
        f"the joints lie {100 * agreement.distance:.1f} % of the torso from their places in the "
        f"original, {ratio:.1f} times what encoding alone does"
    )
    if ratio <= SAME_RATIO and agreement.distance <= MOST_DISTANCE:
        return Outcome.PRESERVED, f"The walk is the original's, frame by frame: {said}."
    if ratio >= OTHER_RATIO:
        return Outcome.CHANGED, f"This is not the original's walk: {said}."
    return Outcome.INCONCLUSIVE, f"Too close to call: {said}."


def _step_width(points: Float64) -> Float64:
    left, right = (points[:, ankle, 0] for ankle in _ANKLES)
    return np.abs(left - right) / torso_heights(points)


def _symmetry(points: Float64) -> Float64:
    reach = np.linalg.norm(hip_centred(points), axis=2) / torso_heights(points)[:, None]
    return np.asarray(
        np.nanmean([reach[:, left] - reach[:, right] for left, right in _LEFT_RIGHT], axis=0)
    )


def _correlation(first: Float64, second: Float64) -> float:
    """Pearson's r of two series, the axes of points taken together; NaN if one stands still."""
    tables = [series.reshape(len(series), -1) for series in (first, second)]
    known = np.isfinite(tables).all(axis=(0, 2))
    if known.sum() < 3:
        return float("nan")
    a, b = (table[known] - table[known].mean(axis=0) for table in tables)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum() / norm) if norm > 1e-12 else float("nan")
