"""One answer from the verdict on the walk and the verdict on the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gaitproof.errors import InputError
from gaitproof.face.model import FaceDetectorCard
from gaitproof.face.scan import FaceScan
from gaitproof.face.segments import MIN_FRAMES
from gaitproof.face.verdict import FaceDecision, FaceVerdict
from gaitproof.types import Decision, ErrorRate, PoseSequence, Verdict
from gaitproof.types.support import NO_SUPPORT
from gaitproof.verify.decision import wrong_rates
from gaitproof.verify.fusion.belonging import find_own_faces
from gaitproof.verify.fusion.rule import FusionWeights, fuse
from gaitproof.verify.fusion.verdict import Answers, FaceFinding, JointVerdict, Says

_GAIT_SAYS: Final = {
    Decision.AUTHENTIC: Says.FOR,
    Decision.DEEPFAKE: Says.AGAINST,
    Decision.INCONCLUSIVE: Says.OPEN,
}
_FACE_SAYS: Final = {
    FaceDecision.REAL: Says.FOR,
    FaceDecision.FAKE: Says.AGAINST,
    FaceDecision.INCONCLUSIVE: Says.OPEN,
}

_NO_WEIGHT: Final = "The two verdicts together weigh too little on the side that they name."
_BLIND: Final = "The face shows no manipulation, but it alone does not tell who the person is."


def join(
    verdict: Verdict,
    scan: FaceScan,
    card: FaceDetectorCard,
    *,
    tracks: Sequence[PoseSequence] = (),
    weights: FusionWeights | None = None,
) -> JointVerdict:
    """Join the verdict on a walk with the scan of the same video for manipulated faces.

    Parameters
    ----------
    verdict
        On the walk.
    scan
        Of the faces of the same file.
    card
        Of the model that scanned.
    tracks
        Poses of the person who was examined; they tell whose face it is.
    weights
        Learnt weights; left aside if they belong to other models.

    Raises
    ------
    InputError
        If the two are not of the same file.
    """
    if scan.video.sha256 != verdict.source_sha256:
        raise InputError(
            "Walk and face were not read from the same file.",
            actual=f"SHA-256 {verdict.source_sha256[:12]} and {scan.video.sha256[:12]}",
            hint="again, while nobody writes to the video",
        )
    own, notes = _choose_face(scan, tracks)
    face = None if own is None else _finding(own, scan, card)
    walk_says = Says.MISSING if verdict.log10_lr is None else _GAIT_SAYS[verdict.decision]
    # fewer frames than that have a score, but the calibration is not one of so few
    judged = face is not None and face.pictures >= MIN_FRAMES
    face_says = _FACE_SAYS[face.decision] if face is not None and judged else Says.MISSING
    if face is not None and not judged:
        notes.append(f"the face was not judged: {face.reason}")
    if weights is not None and not weights.fits(verdict.model_id, card.model_id):
        notes.append(
            f"the learnt fusion weights are those of {weights.gait_model} and "
            f"{weights.face_model}, not of the models used; gait and face were joined without them"
        )
        weights = None
    weight = _weigh(verdict, face, walk_says, face_says, weights)
    decision, reason = _decide(verdict, face, walk_says, face_says, weight.log10_lr)
    return JointVerdict(
        decision=decision,
        claim=verdict.claim,
        reason=reason,
        walk=walk_says,
        face_says=face_says,
        answers=weight.answers,
        log10_lr=weight.log10_lr,
        log10_lr_bound=weight.bound,
        rule=weight.rule,
        **_error_rates(verdict, face, walk_says, face_says),
        face=face,
        notes=tuple(notes),
    )


def _choose_face(
    scan: FaceScan, tracks: Sequence[PoseSequence]
) -> tuple[FaceVerdict | None, list[str]]:
    """Return the face of the person who was examined, and remarks on the choice."""
    if not scan.faces:
        return None, ["no face was found in the video"]
    places = None if scan.turned else find_own_faces(scan.faces, tracks)
    if places is None:
        if len(scan.faces) > 1:
            return None, [
                f"{len(scan.faces)} faces were found, and it is unclear which is the person's"
            ]
        return scan.faces[0], ["the only face in the video is taken for the person's own"]
    own = [scan.faces[place] for place in places]
    if not own:
        return None, ["no face that can be judged belongs to the person who walks"]
    notes = []
    others = len(scan.faces) - len(own)
    if others:
        noun = "face is" if others == 1 else "faces are"
        notes.append(f"{others} other {noun} in the video and not part of this answer")
    if len(own) > 1:
        notes.append(
            f"the person's face was followed in {len(own)} pieces; the one that looks least "
            "genuine counts"
        )
    judged = [face for face in own if len(face.frames) >= MIN_FRAMES] or own
    return min(judged, key=lambda face: 1.0 if face.score is None else face.score), notes


def _finding(face: FaceVerdict, scan: FaceScan, card: FaceDetectorCard) -> FaceFinding:
    calibration = card.calibration
    return FaceFinding(
        decision=face.decision,
        reason=face.reason,
        score=face.score,
        log10_lr=face.log10_lr,
        log10_lr_bound=None if calibration is None else calibration.log10_lr_bound,
        confidence=face.confidence,
        threshold=face.threshold,
        false_real=face.false_real,
        false_fake=face.false_fake,
        number=face.number,
        pictures=len(face.frames),
        first=face.first,
        last=face.last,
        model_id=card.model_id,
        weights_sha256=card.weights_sha256,
        detector=scan.detector,
        limits=card.limits,
        turns=len(face.turns),
    )


@dataclass(frozen=True)
class _Weight:
    """A joint likelihood ratio and what it answers."""

    answers: Answers
    log10_lr: float | None
    bound: float | None
    rule: str


def _weigh(
    verdict: Verdict,
    face: FaceFinding | None,
    walk_says: Says,
    face_says: Says,
    weights: FusionWeights | None,
) -> _Weight:
    gait, shown = verdict.log10_lr, None if face is None else face.log10_lr
    if face_says is Says.MISSING:
        if gait is None:
            return _Weight(Answers.NONE, None, None, "Neither walk nor face could be weighed.")
        alone = "No face was judged: this is the likelihood ratio of the walk, unchanged."
        return _Weight(Answers.WALK, gait, verdict.log10_lr_bound, alone)
    if face is None or shown is None or face.log10_lr_bound is None:
        return _Weight(
            Answers.NONE, None, None, "The face model has no calibration: nothing can be joined."
        )
    if gait is None:
        alone = "No walk was compared: this is the likelihood ratio of the face, unchanged."
        return _Weight(Answers.FACE, shown, face.log10_lr_bound, alone)
    if weights is None:
        bound = max(verdict.log10_lr_bound, face.log10_lr_bound)
        rule = (
            "The least of the ratios against its three alternatives: somebody else's body, a "
            "manipulated face, or both, gait and face being independent. No weights were learnt."
        )
    else:
        bound = weights.log10_lr_bound
        rule = (
            f"{weights.intercept.value:+.2f} {weights.gait.value:+.2f} g "
            f"{weights.face.value:+.2f} f {weights.least.value:+.2f} min(g, f, g + f) of the "
            f"walk's g and the face's f; learnt on {weights.groups} people: {weights.source}."
        )
    joined = float(fuse([gait], [shown], weights)[0])
    return _Weight(Answers.BOTH, min(max(joined, -bound), bound), bound, rule)


def _decide(
    verdict: Verdict,
    face: FaceFinding | None,
    gait: Says,
    face_says: Says,
    log10_lr: float | None,
) -> tuple[Decision, str]:
    if face_says is Says.MISSING:
        return verdict.decision, verdict.reason
    if Says.AGAINST in (gait, face_says):
        if log10_lr is None or log10_lr <= -NO_SUPPORT:
            return Decision.DEEPFAKE, ""
        return Decision.INCONCLUSIVE, _disagreement(gait, face_says)
    if gait is Says.FOR and face_says is Says.FOR:
        if log10_lr is None or log10_lr >= NO_SUPPORT:
            return Decision.AUTHENTIC, ""
        return Decision.INCONCLUSIVE, _NO_WEIGHT
    if gait is Says.FOR:
        why = f": {face.reason}" if face is not None and face.reason else ""
        return Decision.INCONCLUSIVE, f"The walk matches, but the face cannot be decided{why}."
    if face_says is Says.FOR and gait is Says.MISSING:
        return Decision.INCONCLUSIVE, f"{_BLIND} {verdict.reason}".strip()
    return Decision.INCONCLUSIVE, verdict.reason


def _disagreement(gait: Says, face_says: Says) -> str:
    if (gait, face_says) == (Says.FOR, Says.AGAINST):
        return (
            "The walk matches the claim, the face shows manipulation, and the evidence of the "
            "face is too weak against that of the walk: lip or face reenactment of the true "
            "person's footage?"
        )
    if (gait, face_says) == (Says.AGAINST, Says.FOR):
        return (
            "The walk contradicts the claim, the face shows no manipulation, and the evidence of "
            "the walk is too weak against that of the face: somebody else, or another walk than "
            "usual?"
        )
    return _NO_WEIGHT


def _error_rates(
    verdict: Verdict, face: FaceFinding | None, gait: Says, face_says: Says
) -> dict[str, ErrorRate | None]:
    """Bound the wrong answers of the joint verdict by those of the two, dependent or not."""
    accepted, refused = wrong_rates(verdict)
    seen = face is not None and face_says is not Says.MISSING
    compared = gait is not Says.MISSING
    refusals = [refused] if compared and refused is not None else []
    if face is not None and seen:
        refusals.append(face.false_fake)
    return {
        "false_authentic_walk": accepted if compared else None,
        "false_authentic_face": face.false_real if face is not None and seen else None,
        "false_deepfake": _sum(refusals) if refusals else None,
    }


def _sum(rates: Sequence[ErrorRate]) -> ErrorRate:
    """Bound how often one of several errors happens, dependent or not."""
    value, high = (
        min(1.0, sum(getattr(rate, part) for rate in rates)) for part in ("value", "high")
    )
    return ErrorRate(value, max(rate.low for rate in rates), high)
