"""What a verification answers: quality, evidence and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from gaitproof.types.measures import MeasureCheck
from gaitproof.types.rates import ErrorRate, InconclusiveBand, ViewRates


class Decision(StrEnum):
    """The three answers.

    Examples
    --------
    >>> import gaitproof as gp
    >>> [decision.exit_status for decision in gp.Decision]
    [0, 1, 3]
    """

    AUTHENTIC = "AUTHENTIC"
    DEEPFAKE = "DEEPFAKE"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_status(self) -> int:
        """Process exit status of the command line (2 is kept for errors)."""
        return {"AUTHENTIC": 0, "DEEPFAKE": 1, "INCONCLUSIVE": 3}[self.value]


@dataclass(frozen=True)
class WindowQuality:
    """Whether one window of a track can be scored, and why not.

    `start` and `end` are seconds in the source video.
    """

    start: float
    end: float
    usable: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class QualityReport:
    """Whether a clip can be scored, and why not.

    Parameters
    ----------
    usable
        Whether enough windows are usable for a score.
    reasons
        Plain-language reasons, most important first; empty when usable.
    warnings
        What lowers confidence without forbidding a score.
    windows
        One entry per 60-frame window.
    measures
        Named measurements behind the decision, e.g. ``person_height_px``, ``frame_rate``,
        ``gait_cycles``, ``visible_share``, ``camera_motion``, ``leg_swaps_repaired``.
    checks
        Those of them that have a limit, with unit, limit and whether they keep it.

    Examples
    --------
    >>> import gaitproof as gp
    >>> gp.QualityReport(usable=False, reasons=("The feet are out of the frame.",)).reasons[0]
    'The feet are out of the frame.'
    """

    usable: bool
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    windows: tuple[WindowQuality, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
    checks: tuple[MeasureCheck, ...] = ()

    @property
    def usable_windows(self) -> int:
        """Number of windows that can be scored."""
        return sum(w.usable for w in self.windows)


@dataclass(frozen=True)
class SeenPerson:
    """Somebody in a video.

    Parameters
    ----------
    number
        By which the person is chosen.
    start, end
        Seconds in which the person is seen first and last.
    height
        Median height in pixels (metres without an image).
    usable
        Whether the quality gate lets the walk through.
    taken
        Whether this is the person who was compared or enrolled, or a part of that person's track.
    """

    number: int
    start: float
    end: float
    height: float
    usable: bool
    taken: bool


def choice_needed(people: Sequence[SeenPerson]) -> bool:
    """Whether several people were seen and none was taken, so that one must be chosen."""
    return len(people) > 1 and not any(person.taken for person in people)


@dataclass(frozen=True)
class MovementShare:
    """What a silhouette score rests on.

    Parameters
    ----------
    build
        What the mean silhouette, build and clothing, adds to the cosine with the template, against
        an average walker seen from the same side.
    movement
        What its changes over time add.
    movement_share
        0 to 1: magnitude of `movement` beside that of both.
    fidelity
        Cosine between the embeddings of the real masks and of those the two parts were put
        together from; the nearer to 1, the more the shares say of the real score.
    """

    build: float
    movement: float
    movement_share: float
    fidelity: float


@dataclass(frozen=True)
class SignalEvidence:
    """What one kind of evidence says by itself.

    Parameters
    ----------
    signal
        ``joints`` or ``silhouettes``.
    similarity, log10_lr
        As of a verdict, by the signal's own model; None if it was not compared.
    log10_lr_bound, threshold
        Those of the signal's own model.
    windows
        Windows of the probe.
    model_id, template_id, template_recordings
        What was compared.
    reason
        Why there is no score; empty otherwise.
    counts
        Of silhouettes: the log10 likelihood ratio on footage of a kind its model has not seen,
        which is what counts; None if it does not.
    references
        Number of other people, filmed in the same way, that the comparison is relative to.
    supported
        Whether the model was tested in this situation: only then may the signal decide.
    relative_to
        Where those people come from, in words, and how many of them.
    rests_on
        Of silhouettes: build and clothing, or movement; None where it cannot be determined.
    at_view
        How often claims are wrong and decided at this difference of view; None if not measured.
    """

    signal: str
    similarity: float | None
    log10_lr: float | None
    log10_lr_bound: float
    threshold: float
    windows: int
    model_id: str
    template_id: str
    template_recordings: int
    reason: str = ""
    counts: float | None = None
    references: int = 0
    supported: bool = True
    rests_on: MovementShare | None = None
    relative_to: dict[str, int] = field(default_factory=dict)
    at_view: ViewRates | None = None


@dataclass(frozen=True)
class JoinedEvidence:
    """What joints and silhouettes say together.

    Relative to reference footage either decides, unless the other supports the opposite. Without it
    the joints decide, and a claim is accepted only if the silhouettes support it as well.

    Parameters
    ----------
    log10_lr
        See `gaitproof.verify.signals.settle`; without reference footage that of the joints, but not
        above that of the silhouettes (nor above 0 where these speak against the claim).
    log10_lr_bound
        Largest ratio for the claim that people and footage unseen by the models support.
    accepts_from
        Least ratio with which a claim is accepted.
    wrong_nonmated, wrong_mated
        Of all claims to be somebody else, the share answered AUTHENTIC; of all genuine claims,
        the share answered DEEPFAKE. Measured on people and footage that neither model had seen.
    undecided_nonmated, undecided_mated
        Share of the claims of either kind that is left undecided there.
    measured_on
        Which people and footage these are, in words.
    relative
        Whether both were compared relative to reference footage.
    known
        The kind of footage that both were added up for, where they were.
    """

    log10_lr: float
    log10_lr_bound: float
    accepts_from: float
    wrong_nonmated: ErrorRate
    wrong_mated: ErrorRate
    undecided_nonmated: ErrorRate
    undecided_mated: ErrorRate
    measured_on: str
    relative: bool = False
    known: str = ""

    @property
    def both_decide(self) -> bool:
        """Whether the ratio of both decides, and not the joints' threshold with a veto."""
        return self.relative or bool(self.known)


@dataclass(frozen=True)
class MotionEvidence:
    """Whether the motion looks generated: stated beside a verdict, and no part of the decision.

    Parameters
    ----------
    score
        Mean logit of the windows, positive for generated motion; None if it was not judged.
    threshold
        From which motion is said to look generated; captured motion seldom reaches it.
    windows
        Windows of the probe.
    references
        Other people, filmed in the same way, whose motion it was taken relative to.
    model_id
        The judge.
    unusual
        What is least like them: measures by name, in spreads of captured motion.
    reason
        Why it was not judged; empty otherwise.
    """

    score: float | None
    threshold: float
    windows: int
    references: int
    model_id: str
    unusual: dict[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def looks_generated(self) -> bool:
        """Whether the motion looks generated; False also where it was not judged."""
        return self.score is not None and self.score >= self.threshold

    @property
    def plain(self) -> str:
        """What was found, in words."""
        if self.score is None:
            return f"Motion was not judged. {self.reason}".rstrip()
        looks = "looks synthetic" if self.looks_generated else "does not look synthetic"
        people = "person" if self.references == 1 else "people"
        return (
            f"Motion {looks}: score {self.score:+.2f}, threshold {self.threshold:+.2f}, relative "
            f"to {self.references} other {people}; does not decide."
        )


@dataclass(frozen=True)
class Verdict:
    """The answer to "does this video show the person it claims to show?".

    Parameters
    ----------
    decision
        AUTHENTIC, DEEPFAKE or INCONCLUSIVE.
    claim
        Name of the claimed identity.
    reason
        Why it is INCONCLUSIVE; empty otherwise.
    similarity
        (cosine + 1) / 2 of the joints of probe and template, in [0, 1]; None if they were not
        compared.
    log10_lr
        Calibrated log10 likelihood ratio (positive speaks for the claim), limited to
        ±`log10_lr_bound`: that of `joined`, or of the joints where nothing was joined; None if no
        score could be made.
    log10_lr_bound
        Largest magnitude that the number of calibration subjects supports.
    threshold
        Similarity at and above which the joints accept the claim, unless `band` leaves it
        undecided.
    fmr, fnmr
        Error rates of the joints at that threshold, with 95 % intervals; None where the joints were
        not compared in a situation that was tested, so that they decide nothing.
    quality
        Quality of the probe.
    model_id, template_id
        Which weights and which template were used.
    template_recordings
        Number of recordings in the template.
    source, source_sha256
        The video's path as given, and its SHA-256.
    software
        ``gaitproof <version>``.
    seconds
        Wall-clock time the verification took.
    notes
        Further plain-language remarks, e.g. other people in the image.
    band
        Where the joints speak neither for nor against a claim; None if the model states none.
    signals
        What each kind of evidence says by itself.
    joined
        What they say together; None where the joints decide alone.
    people
        Everybody who was seen in the video, also who was not compared.
    motion
        Whether the motion looks generated, which decides nothing; None if nothing was compared.

    Examples
    --------
    >>> import gaitproof as gp
    >>> verdict = gp.Verifier.open("gallery.db").verify("new.mp4", claim="ann")  # doctest: +SKIP
    >>> isinstance(verdict, gp.Verdict) and verdict.headline  # doctest: +SKIP
    'AUTHENTIC — Verified as ann'
    """

    decision: Decision
    claim: str
    reason: str
    similarity: float | None
    log10_lr: float | None
    log10_lr_bound: float
    threshold: float
    fmr: ErrorRate | None
    fnmr: ErrorRate | None
    quality: QualityReport
    model_id: str
    template_id: str
    template_recordings: int
    source: str
    source_sha256: str
    software: str
    seconds: float
    notes: tuple[str, ...] = ()
    band: InconclusiveBand | None = None
    signals: tuple[SignalEvidence, ...] = ()
    joined: JoinedEvidence | None = None
    people: tuple[SeenPerson, ...] = ()
    motion: MotionEvidence | None = None

    @property
    def choice_needed(self) -> bool:
        """Whether nobody was compared since it is not known which of several people is meant."""
        return choice_needed(self.people)

    @property
    def headline(self) -> str:
        """The verdict as one line."""
        if self.decision is Decision.AUTHENTIC:
            return f"AUTHENTIC — Verified as {self.claim}"
        if self.decision is Decision.DEEPFAKE:
            return f"DEEPFAKE OF {self.claim}"
        return f"INCONCLUSIVE — {self.reason}"

    @property
    def plain(self) -> str:
        """What was found, without the word deepfake."""
        if self.decision is Decision.AUTHENTIC:
            return "Gait consistent with the claim."
        if self.decision is Decision.DEEPFAKE:
            return "Gait inconsistent with the claim."
        if self.log10_lr is not None:
            return "The gait was compared; the result is too close to call."
        return "The gait could not be compared."

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, `headline` and `plain` included."""
        return {"headline": self.headline, "plain": self.plain, **asdict(self)}
