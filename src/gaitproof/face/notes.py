"""What a scan for manipulated faces remarks in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from gaitproof.face.card import FaceRelation
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.pace import Pace
from gaitproof.face.verdict import FaceVerdict, describe_drop, side_of

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
