"""Which score an explanation is of, and whether that score decided."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gaitproof.types import SignalEvidence, Verdict
from gaitproof.types.support import MODERATE
from gaitproof.verify.signals import JOINTS, SILHOUETTES


@dataclass(frozen=True)
class ExplainedScore:
    """What an explanation is of.

    Parameters
    ----------
    similarity
        Of the joints, in [0, 1].
    references
        Number of other people that it is relative to.
    relative_to
        Where these people come from, in words, and how many of them.
    decided_by
        The signal that the answer rests on, ``joints`` or ``silhouettes``; None where the two
        contradict each other.
    said
        All of it in words.
    """

    similarity: float
    references: int
    relative_to: dict[str, int]
    decided_by: str | None
    said: str

    @classmethod
    def of(cls, verdict: Verdict) -> ExplainedScore:
        """Return what an explanation of a verdict with a similarity of the joints is of."""
        assert verdict.similarity is not None
        signals = {one.signal: one for one in verdict.signals}
        joints, masks = signals.get(JOINTS), signals.get(SILHOUETTES)
        decided_by = _deciding(verdict, joints, masks)
        references = 0 if joints is None else joints.references
        sources = {} if joints is None else joints.relative_to
        parts = [f"Explained is the similarity of the joints, {verdict.similarity:.3f}"]
        if references:
            noun = "person" if references == 1 else "people"
            counts = ", ".join(f"{count} {source}" for source, count in sources.items())
            parts.append(
                f" relative to {references} other {noun}" + (f" ({counts})" if counts else "")
            )
        parts.append(f". {_answer(decided_by, joints, masks)}")
        return cls(verdict.similarity, references, sources, decided_by, "".join(parts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def _deciding(
    verdict: Verdict, joints: SignalEvidence | None, masks: SignalEvidence | None
) -> str | None:
    joined = verdict.joined
    if joined is None or joints is None or masks is None or joined.log10_lr == joints.log10_lr:
        return JOINTS
    speaks = joints.log10_lr is not None and abs(joints.log10_lr) >= MODERATE
    return None if joined.relative and speaks else SILHOUETTES


def _answer(
    decided_by: str | None, joints: SignalEvidence | None, masks: SignalEvidence | None
) -> str:
    if joints is None or masks is None or joints.log10_lr is None or masks.log10_lr is None:
        return "The answer rests on it."
    counts = masks.log10_lr if masks.counts is None else masks.counts
    own, other = f"{joints.log10_lr:+.2f}", f"{counts:+.2f}"
    if decided_by is None:
        return (
            f"Joints (log10 likelihood ratio {own}) and silhouettes ({other}) contradict each "
            "other, so neither decides."
        )
    if decided_by == JOINTS:
        return f"The answer rests on it (log10 likelihood ratio {own}; silhouettes {other})."
    share = masks.rests_on
    parts = ""
    if share is not None:
        moved = round(100 * share.movement_share)
        parts = f", {100 - moved} % build and clothing, {moved} % movement"
    return (
        f"The answer rests on the silhouettes (log10 likelihood ratio {other}{parts}) rather than "
        f"on the joints ({own})."
    )
