"""Does a manipulated video carry the walk of its original: from two files to an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import gaitproof
from gaitproof.config import VerifySettings
from gaitproof.data.manifest import find_parents, read_manifest
from gaitproof.errors import GaitproofError, InputError, MediaError
from gaitproof.gait.alignment import Track
from gaitproof.gait.preservation import (
    compare_tracks,
    decide,
    published_criteria,
    track_of,
)
from gaitproof.media.augment import Change, augment_video
from gaitproof.media.files import compute_sha256
from gaitproof.media.info import bits_per_pixel
from gaitproof.pose.cache import PoseCache
from gaitproof.types.preservation import Agreement, Criteria, Outcome, Preservation
from gaitproof.verify.people import Person
from gaitproof.verify.probes import part_of
from gaitproof.verify.walk import is_pose_file, read_walk

FLOOR_CRF: Final = 23.0
"""Constant rate factor of the original's first copy: x264's own default."""

_CRF_PER_HALF: Final = 6.0
"""Raising the factor by so much halves the size (x264's documentation)."""

_CRF_RANGE: Final = (FLOOR_CRF, 45.0)
_CRF_STEP: Final = 1.0
"""Differences below it are not worth encoding again."""


def compare_videos(
    original: Path,
    swapped: Path,
    *,
    person: Person = "auto",
    floor: bool = True,
    criteria: Criteria = "measured",
    settings: VerifySettings | None = None,
    cache: PoseCache | None = None,
    progress: Callable[[float], None] | None = None,
) -> Preservation:
    """Tell whether a manipulated video shows the original's walk, frame by frame.

    Parameters
    ----------
    original, swapped
        Videos, or pose files with image coordinates.
    person
        Which person of both, see `gaitproof.verify.people.Person`.
    floor
        Whether the original is also encoded anew, as strongly as the other video, and estimated
        again, to tell what the estimator's own noise costs. Needs a video.
    criteria
        What answers, see `gaitproof.gait.preservation.decide`.
    settings
        Limits and pose settings; defaults where None.
    cache
        Where finished extractions are kept.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    InputError
        If a file cannot be used, or it is unclear who is meant.

    Examples
    --------
    >>> import gaitproof as gp
    >>> gp.preserve("original.mp4", "swapped.mp4").outcome  # doctest: +SKIP
    <Outcome.PRESERVED: 'PRESERVED'>
    """
    settings = settings or VerifySettings()
    steps = 3 if floor and not is_pose_file(original) else 2

    def track(path: Path, number: int) -> Track:
        walk = read_walk(
            path,
            person=person,
            settings=settings,
            cache=cache,
            progress=part_of(progress, number, steps),
        )
        if walk.cleaned.sequence.image is None:
            raise InputError(
                f"The poses in {str(path)!r} have no image coordinates.",
                hint="compare videos, or pose files that keep them (.npz)",
            )
        return track_of(walk.cleaned.sequence)

    first, second = track(original, 0), track(swapped, 1)
    noise = _noise_floor(original, swapped, first, track, settings) if steps == 3 else None
    preservation = None
    if min(len(first.times), len(second.times)) >= 2:
        preservation = compare_tracks(first, second)
    timing, framing, agreement = preservation or (None, None, None)
    outcome, reason = decide(timing, agreement, noise, criteria)
    return Preservation(
        outcome=outcome,
        reason=reason,
        timing=timing,
        framing=framing,
        agreement=agreement,
        floor=noise,
        published=published_criteria(agreement) if agreement is not None else None,
        original=str(original),
        swapped=str(swapped),
        original_sha256=_hash(original),
        swapped_sha256=_hash(swapped),
        software=f"gaitproof {gaitproof.__version__}",
        criteria=criteria,
    )


def pairs_of(manifest: Path) -> list[tuple[Path, Path]]:
    """List the fakes of a manifest with their originals, as (original, swapped).

    Raises
    ------
    InputError
        If the manifest cannot be read, names no fake with a parent, or a parent is not in it.
    """
    rows = read_manifest(manifest)
    parents = find_parents(rows)
    folder = manifest.parent
    pairs = []
    for row in rows:
        if row.label != "fake" or not row.parent:
            continue
        parent = parents.get(row.path)
        if parent is None:
            raise InputError(f"The parent {row.parent!r} of {row.path!r} is not in the manifest.")
        pairs.append((folder / parent.path, folder / row.path))
    if not pairs:
        raise InputError(
            f"{str(manifest)!r} names no fake with its original.",
            expected="rows with the label 'fake' and the original's path as 'parent'",
        )
    return pairs


def compare_pairs(
    pairs: Sequence[tuple[Path, Path]],
    compare: Callable[..., Preservation] = compare_videos,
    *,
    progress: Callable[[float], None] | None = None,
) -> list[Preservation]:
    """Compare many pairs; one that cannot be compared is INCONCLUSIVE with the reason.

    Parameters
    ----------
    pairs
        Originals and what was made of them.
    compare
        `compare_videos`, with its options.
    progress
        Called with the share done, 0 to 1.
    """
    results = []
    for number, (original, swapped) in enumerate(pairs):
        try:
            results.append(
                compare(original, swapped, progress=part_of(progress, number, len(pairs)))
            )
        except GaitproofError as error:
            results.append(failed(original, swapped, error))
    return results


def failed(original: Path, swapped: Path, error: GaitproofError) -> Preservation:
    """Return what a pair of a data set gets that could not be compared."""
    return Preservation(
        Outcome.INCONCLUSIVE,
        str(error),
        *(None,) * 5,
        original=str(original),
        swapped=str(swapped),
        original_sha256="",
        swapped_sha256="",
        software=f"gaitproof {gaitproof.__version__}",
    )


def _noise_floor(
    original: Path,
    swapped: Path,
    track: Track,
    read: Callable[[Path, int], Track],
    settings: VerifySettings,
) -> Agreement | None:
    """Encode the original as strongly as the other video is, and compare it with itself."""
    with TemporaryDirectory(prefix="gaitproof-") as folder:
        copy = Path(folder) / "copy.mp4"
        augment_video(original, copy, Change(crf=FLOOR_CRF), settings.media)
        if not is_pose_file(swapped):
            wanted = bits_per_pixel(swapped, settings.media)
            rate = bits_per_pixel(copy, settings.media)
            crf = FLOOR_CRF + _CRF_PER_HALF * math.log2(rate / wanted)
            crf = min(max(crf, _CRF_RANGE[0]), _CRF_RANGE[1])
            if crf - FLOOR_CRF >= _CRF_STEP:
                augment_video(original, copy, Change(crf=crf), settings.media)
        try:
            again = read(copy, 2)
        except MediaError:
            # the copy shows nobody any more: then there is no floor to stand on
            return None
    compared = compare_tracks(track, again)
    return None if compared is None else compared[2]


def _hash(path: Path) -> str:
    return compute_sha256(path) if path.is_file() else ""
