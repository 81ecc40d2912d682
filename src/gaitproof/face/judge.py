"""From the frames of one face to the answer for it, and what is to be remarked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.card import FaceDetectorCard, FaceRelation
from gaitproof.face.consistency import FaceDrop, compute_consistency, find_drop
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.pace import Pace
from gaitproof.face.sightings import (
    SHOWN,
    FaceSightings,
    Sighting,
    judge_segments,
    score_all,
    spread_evenly,
)
from gaitproof.face.types import FaceTrack
from gaitproof.face.verdict import (
    FaceSegment,
    FaceVerdict,
    FrameScore,
    calibrated,
    decide,
    describe_drop,
    in_words,
    lower_lr,
    relate,
    side_of,
)

Image = NDArray[np.uint8]

MOTION_BLUR: Final = 0.4
"""Share of a face's median sharpness below which a frame is blurred by motion, of head or camera:
the blurriest of 23 genuine videos of talking people had 0.48."""

MORE_COVERED: Final = 0.07
"""Share of a face that is covered beyond what usually is of it (the lower quartile: hair, beards,
glasses and shadows differ between people) above which something came before it."""

COVERED: Final = "something covers part of the face"

BLURRED: Final = "the face is blurred by motion"

TOO_FEW: Final = "too few usable frames follow each other"
"""Why a frame is left out by a model that judges several together."""


@dataclass(frozen=True, eq=False)
class FaceImages:
    """Scored frames of one face that are kept to be shown.

    Parameters
    ----------
    places
        Which of the verdict's frames they are, increasing.
    crops
        Shape (N, S, S, 3), RGB, the aligned faces that were scored.
    """

    places: tuple[int, ...]
    crops: Image


@dataclass(frozen=True, eq=False)
class _Judged:
    """Frames with their scores; `segment_of` counts from 1, 0 where each is judged on its own."""

    entries: list[Sighting]
    scores: NDArray[np.float64]
    segment_of: list[int]
    segments: tuple[FaceSegment, ...] = ()
    drop: FaceDrop | None = None


def judge(
    number: int,
    track: FaceTrack,
    kept: FaceSightings,
    model: FaceForgeryModel,
    pace: Pace,
    references: Sequence[float] = (),
) -> tuple[FaceVerdict, FaceImages]:
    """Score what is not scored yet, and return the answer for one face and frames to show.

    Raises
    ------
    ModelError
        If the model cannot be run.
    """
    card = model.card
    judged = (_judge_frames if card.clip is None else _judge_segments)(kept, model, pace)
    scores = judged.scores
    threshold = card.operating_point.threshold
    frames = _scored(judged, card)
    parts: Sequence[FrameScore | FaceSegment] = judged.segments or frames
    sides = [side_of(part.score, part.log10_lr, threshold) for part in parts]
    score = card.summarise(scores) if len(scores) else None
    relation = card.relation
    relative = (
        relate(score, relation, references)
        if references and score is not None and relation is not None
        else None
    )
    decision, reason = decide(
        score,
        card,
        kept.unusable,
        len(frames),
        relative,
        drop=judged.drop,
        **_unlike(frames, card),
    )
    whole = None if score is None else lower_lr(calibrated(score, card.calibration), relative)
    point = card.operating_point
    rates = point if relation is None or relative is None else relation
    verdict = FaceVerdict(
        number=number,
        decision=decision,
        reason=reason,
        score=score,
        log10_lr=whole,
        confidence="not scored" if score is None else in_words(whole),
        threshold=point.threshold,
        false_real=rates.false_real,
        false_fake=rates.false_fake,
        first=track.times[0],
        last=track.times[-1],
        seen=len(track),
        frames=tuple(frames),
        consistency=(
            compute_consistency(scores, sides, np.stack([one.trace for one in judged.entries]))
            if frames
            else None
        ),
        unusable=dict(kept.unusable.most_common()),
        unusable_spans=tuple(kept.unusable_spans),
        turns=judged.segments,
        relative=relative,
        drop=judged.drop,
    )
    return verdict, _choose_frames(judged.entries, kept.shown_stride, card.alignment.size)


def _scored(judged: _Judged, card: FaceDetectorCard) -> list[FrameScore]:
    frames = []
    for one, segment in zip(judged.entries, judged.segment_of, strict=True):
        value = one.score
        assert value is not None
        evidence = calibrated(value, card.frame_calibration)
        frames.append(
            FrameScore(
                one.frame,
                one.time,
                value,
                evidence,
                in_words(evidence),
                one.box,
                one.quality,
                segment,
                one.weight,
            )
        )
    return frames


def _unlike(frames: Sequence[FrameScore], card: FaceDetectorCard) -> dict[str, str]:
    """Say in which way most frames are unlike what the model was evaluated on, for `decide`."""
    measured = [
        (one.light, one.contrast, one.blur, one.size_px, one.noise, one.detail)
        for one in (frame.quality for frame in frames)
    ]
    table = np.array(measured, np.float64).reshape(-1, 6)
    table = table[np.isfinite(table).all(axis=1)]  # not a number: not measured
    if card.conditions is None or not len(table):
        return {}
    return card.conditions.doubts(*np.median(table, axis=0).tolist())


def _judge_frames(kept: FaceSightings, model: FaceForgeryModel, pace: Pace) -> _Judged:
    middle = float(np.median([one.quality.blur for one in kept.entries] or [0.0]))
    sharp = [one for one in kept.entries if one.quality.blur >= MOTION_BLUR * middle]
    _keep_only(kept, sharp, BLURRED)
    covered = [one.quality.covered or 0.0 for one in kept.entries]
    usual = float(np.quantile(covered or [0.0], 0.25))
    free = [
        one
        for one, share in zip(kept.entries, covered, strict=True)
        if share <= usual + MORE_COVERED
    ]
    _keep_only(kept, free, COVERED)
    chosen = kept.spread(pace.count)
    score_all(chosen, model)
    scores = np.array([one.score for one in chosen], np.float64)
    return _Judged(chosen, scores, [0] * len(chosen), drop=_drop(kept, model))


def _keep_only(kept: FaceSightings, entries: list[Sighting], reason: str) -> None:
    """Pass over all other frames, with the reason."""
    if len(entries) < len(kept.entries):
        kept.unusable[reason] += len(kept.entries) - len(entries)
        kept.entries = entries


def _drop(kept: FaceSightings, model: FaceForgeryModel) -> FaceDrop | None:
    """Look for a part that looks less genuine, among all frames that were kept to choose from."""
    usual = model.card.largest_drop
    if usual is None:
        return None
    score_all((one for one in kept.entries if one.crop is not None), model)
    scored = [(one.time, one.score) for one in kept.entries if one.score is not None]
    drop = find_drop([time for time, _ in scored], [score for _, score in scored])
    return None if drop is None or drop.depth <= usual else drop


def _judge_segments(kept: FaceSightings, model: FaceForgeryModel, pace: Pace) -> _Judged:
    chosen = kept.spread(pace.count)
    judged_segments = judge_segments(kept, chosen, model, ended=True)
    left_out = len(chosen) - sum(len(places) for places, _ in judged_segments)
    if left_out:
        kept.unusable[TOO_FEW] += left_out
    segments = tuple(
        FaceSegment(
            chosen[places[0]].time,
            chosen[places[-1]].time,
            len(places),
            said.score,
            said.members,
            calibrated(said.score, model.card.frame_calibration),
        )
        for places, said in judged_segments
    )
    return _Judged(
        [chosen[place] for places, _ in judged_segments for place in places],
        np.array([segment.score for segment in segments], np.float64),
        [number for number, (places, _) in enumerate(judged_segments, start=1) for _ in places],
        segments,
    )


def _choose_frames(chosen: list[Sighting], stride: int, side: int) -> FaceImages:
    """Take evenly spaced frames and the one that looks most manipulated."""
    places = [place for place, one in enumerate(chosen) if one.crop is not None]
    # those taken since room was last made all have crops still, and would crowd the end
    even = [place for place in places if chosen[place].number % stride == 0] or places
    shown = [even[i] for i in spread_evenly(len(even), SHOWN)]
    if shown:
        worst = min(places, key=lambda place: chosen[place].suspicion)
        if worst not in shown:  # its nearest neighbour gives way
            shown[int(np.abs(np.array(shown) - worst).argmin())] = worst
    crops = [crop for place in shown if (crop := chosen[place].crop) is not None]
    stacked = np.stack(crops) if crops else np.zeros((0, side, side, 3), np.uint8)
    return FaceImages(tuple(shown), stacked)


AGREEING: Final = 0.7
"""Share of the frames that support a side below which a note says that they disagree."""


def pace_notes(pace: Pace, thinned: Sequence[tuple[int, int]]) -> list[str]:
    """Say what of a long video was not judged.

    Parameters
    ----------
    pace
        How many frames were wanted.
    thinned
        Faces of which only one in so many frames was scored.
    """
    notes = [
        f"of face {face} only one in {stride} frames was scored: there were more than {pace.most}"
        for face, stride in thinned
    ]
    if pace.skip > 1:
        notes.append(
            f"the video is long: of each face one segment of {pace.segment_seconds:.1f} s in every "
            f"{pace.skip * pace.segment_seconds:.1f} s was judged, and what lies between was not"
        )
    return notes


def _reference_note(
    verdicts: list[FaceVerdict], relation: FaceRelation | None, references: Sequence[float]
) -> list[str]:
    """Say which face was judged relative to genuine video, and what that rests on."""
    own = [face.number for face in verdicts if face.relative is not None]
    if not own or relation is None:
        return []
    noun = "video" if len(references) == 1 else "videos"
    return [
        f"face {own[0]} was also taken relative to {len(references)} genuine {noun} of the person, "
        "which can make it FAKE and never REAL; "
        f"measured on {relation.conditions}; filmed in another way they may mislead"
    ]


def _listed(spans: list[str]) -> str:
    more = f" and {len(spans) - 3} more" if len(spans) > 3 else ""
    return ", ".join(spans[:3]) + more


def landmark_notes(verdicts: Sequence[FaceVerdict], detector: str) -> list[str]:
    """Say how many scored frames were aligned by less than the detector's mesh."""
    if "+mesh" not in detector:
        return []  # its own points are all that it has
    notes = []
    for face in verdicts:
        used: Counter[str] = Counter(frame.quality.landmarks for frame in face.frames)
        for kind, how in (
            ("box", "are simple crops: no landmarks were found in them"),
            ("detector", "were aligned by the detector's own points, without a mesh"),
        ):
            if used[kind]:
                some = f"{used[kind]} of {len(face.frames)} scored frames"
                notes.append(f"{some} of face {face.number} {how}")
    return notes


def face_notes(
    verdicts: list[FaceVerdict],
    detector: str,
    model: FaceForgeryModel,
    turn: int,
    references: Sequence[float] = (),
) -> list[str]:
    """Say what lowers confidence: turned images, another detector, frames that disagree."""
    notes = _reference_note(verdicts, model.card.relation, references)
    if turn:
        notes.append(f"the frames were turned by {90 * turn} degrees, so that faces stand upright")
    if verdicts and detector.split(" ")[0] != model.card.detector.split(" ")[0]:
        notes.append(
            f"faces were found by {detector}, but the model was trained on those of "
            f"{model.card.detector}"
        )
    notes += landmark_notes(verdicts, detector)
    notes += [
        f"face {face.number}: {describe_drop(face.drop)}"
        for face in verdicts
        if face.drop is not None and face.reason != describe_drop(face.drop)
    ]
    threshold = model.card.operating_point.threshold
    for verdict in verdicts:
        steady = verdict.consistency
        if steady is None or steady.agreeing is None or steady.agreeing >= AGREEING:
            continue
        if verdict.turns:
            spans = [
                f"{one.first:.1f}-{one.last:.1f}"
                for one in verdict.turns
                if side_of(one.score, one.log10_lr, threshold) < 0
            ]
            notes.append(
                f"the segments of face {verdict.number} disagree: {len(spans)} of "
                f"{len(verdict.turns)} look manipulated (seconds {_listed(spans)}), others "
                "genuine"
            )
        elif len(verdict.frames) > 3:
            notes.append(
                f"the frames of face {verdict.number} disagree: {steady.longest_fake} in a row "
                f"look manipulated, {steady.longest_real} in a row genuine"
            )
    return notes
