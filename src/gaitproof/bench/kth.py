"""Real footage of a hard kind: the walkers of the KTH actions data set.

Ten people walk past a 160 x 120 pixel camera, several times a clip, outdoors (``d1``), outdoors in
other clothes (``d3``) and indoors (``d4``); Schüldt, Laptev & Caputo, ICPR 2004. They are 60 to 80
pixels tall, below what the quality gate lets through, so the figures are reported with the gate as
shipped, without its limit on height, and without any gate; and with every single pass as a probe,
or all passes of a clip together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.config import QualityGate, VerifySettings
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval, intervals
from gaitproof.evaluate.table import format_percent
from gaitproof.evaluate.trials import Kind, Trials
from gaitproof.gait.features import compute_windows
from gaitproof.gait.quality import assess
from gaitproof.pose.cleaning import CleanTrack, clean
from gaitproof.types import Decision, GaitWindows, PoseSequence
from gaitproof.verify import decision
from gaitproof.verify.calibration import log10_likelihood_ratio
from gaitproof.verify.normalisation import Normalisation
from gaitproof.verify.scoring import make_template

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.nets.card import ModelCard
    from gaitproof.nets.encoder import Encoder

CONDITIONS: Final = ("d1", "d3", "d4")
"""``d2`` is left out: the walker comes towards the camera, and the size changes."""

ENROLLED_PASSES: Final = 2
"""First passes of ``d1`` in a template: one in each direction."""

GATES: Final[dict[str, QualityGate | None]] = {
    "gate as shipped": QualityGate(),
    "gate without height limit": QualityGate(min_person_height=0.0),
    "no gate": None,
}

_NAMES: Final = "person*_walking_*.mp4"


class _Extraction(Protocol):
    @property
    def tracks(self) -> tuple[PoseSequence, ...]: ...


Extractor = Callable[[Path], _Extraction]


@dataclass(frozen=True, eq=False)
class Pass:
    """One walk through the picture.

    Parameters
    ----------
    person, condition, number
        Who, where, and which pass of the clip, from 0 in time order.
    windows
        The windows that the gate lets through.
    reasons
        Why there are none; empty if there are.
    """

    person: str
    condition: str
    number: int
    windows: GaitWindows
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counts:
    """Verdicts of one kind of claim in one condition."""

    authentic: int = 0
    deepfake: int = 0
    inconclusive: int = 0


@dataclass(frozen=True, eq=False)
class GateResult:
    """Every claim under one gate.

    Parameters
    ----------
    trials
        Similarity of every claim, NaN where none could be made.
    condition
        Condition of each trial.
    threshold
        That decided.
    counts
        Verdicts by condition and ``mated`` or ``non-mated``.
    reasons
        Why claims had no score or were left undecided, by how many.
    enrolled, passes
        People with a template; passes that were probes.
    figures
        AUC and EER over all claims, those without a score as rejected, by condition and ``all``;
        empty where nothing was scored.
    scored
        The same over the claims with a score only: what the encoder does with what it gets.
    """

    trials: Trials
    condition: NDArray[np.str_]
    threshold: float
    counts: dict[str, dict[str, Counts]]
    reasons: dict[str, int]
    enrolled: int
    passes: int
    figures: dict[str, dict[str, Interval]] = field(default_factory=dict)
    scored: dict[str, dict[str, Interval]] = field(default_factory=dict)


@dataclass(frozen=True)
class KthResult:
    """Results by gate; the names that end in "whole clips" join the passes of each clip."""

    model_id: str
    people: int
    gates: dict[str, GateResult]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        return {
            "model_id": self.model_id,
            "people": self.people,
            "gates": {
                name: {
                    "threshold": gate.threshold,
                    "enrolled": gate.enrolled,
                    "passes": gate.passes,
                    "claims": len(gate.trials),
                    "inconclusive": sum(v.inconclusive for v in gate.counts["all"].values()),
                    "counts": {
                        c: {k: vars(v) for k, v in kinds.items()}
                        for c, kinds in gate.counts.items()
                    },
                    "reasons": gate.reasons,
                    "figures": _plain(gate.figures),
                    "scored": _plain(gate.scored),
                }
                for name, gate in self.gates.items()
            },
        }


def _plain(figures: dict[str, dict[str, Interval]]) -> dict[str, Any]:
    return {c: {n: vars(i) for n, i in found.items()} for c, found in figures.items()}


def run(
    folder: Path,
    *,
    encoder: Encoder | None = None,
    cache: Path | None = None,
    settings: VerifySettings | None = None,
    extractor: Extractor | None = None,
    draws: int = DRAWS,
    progress: Callable[[float], None] | None = None,
) -> KthResult:
    """Enrol everybody from the first passes of ``d1`` and try every claim on all other passes.

    Parameters
    ----------
    folder
        Holds ``personNN_walking_dD.mp4``.
    encoder
        None for the shipped weights.
    cache
        Folder for the pose estimates; None for the user's cache. A second run is quick.
    settings
        Pose and cleaning settings.
    extractor
        From a path to its tracks; None for `gaitproof.pose.extract.extract`.
    draws
        Bootstrap draws over people.
    progress
        Told the share of clips done, 0 to 1.

    Raises
    ------
    InputError
        If the folder holds no such clips, or fewer than three people.
    """
    settings = settings or VerifySettings()
    clips = find_clips(folder)
    if encoder is None:
        from gaitproof.nets.onnx import OnnxEncoder

        encoder = OnnxEncoder.load()
    if extractor is None:
        extractor = _cached_extractor(cache, settings)
    passes: dict[str, list[Pass]] = {name: [] for name in GATES}
    for number, (person, condition, path) in enumerate(clips):
        tracks = in_time_order(extractor(path).tracks)
        for i, track in enumerate(tracks):
            cleaned = clean(track, settings.cleaning)
            for name, gate in GATES.items():
                windows, reasons = usable_windows(cleaned, gate)
                passes[name].append(Pass(person, condition, i, windows, reasons))
        if progress is not None:
            progress((number + 1) / len(clips))
    gates = {}
    for name, found in passes.items():
        least = settings.quality.min_template_windows if GATES[name] else 1
        gates[name] = judge(found, encoder, least, draws)
        gates[f"{name}, whole clips"] = judge(join_clips(found), encoder, least, draws)
    return KthResult(encoder.card.model_id, len({person for person, _, _ in clips}), gates)


def find_clips(folder: Path) -> list[tuple[str, str, Path]]:
    """List (person, condition, path) of the clips that are used.

    Raises
    ------
    InputError
        If there are too few.
    """
    found = []
    for path in sorted(folder.glob(_NAMES)):
        person, _, condition = path.stem.partition("_walking_")
        if condition in CONDITIONS:
            found.append((person, condition, path))
    people = {person for person, _, _ in found}
    if len(people) < 3:
        raise InputError(
            f"{str(folder)!r} does not hold the KTH walking clips.",
            expected="personNN_walking_d1.mp4, _d3.mp4, _d4.mp4 of three people or more",
            actual=f"{len(people)} people",
            hint="https://www.csc.kth.se/cvap/actions (walking.zip)",
        )
    return found


def _cached_extractor(cache: Path | None, settings: VerifySettings) -> Extractor:
    from gaitproof.pose.cache import PoseCache
    from gaitproof.pose.extract import extract

    store = PoseCache(cache)
    return lambda path: extract(path, settings, cache=store)


def in_time_order(tracks: Sequence[PoseSequence]) -> list[PoseSequence]:
    """Sort tracks by when the person is first seen; those without anybody are left out."""
    seen = [track for track in tracks if track.detected.any()]
    return sorted(seen, key=lambda track: float(track.timestamps[track.detected][0]))


def usable_windows(
    cleaned: CleanTrack, gate: QualityGate | None
) -> tuple[GaitWindows, tuple[str, ...]]:
    """Return the windows of a cleaned track that a gate lets through, or why there are none.

    Without a gate every window counts, and only a pass shorter than a window has none.
    """
    windows = compute_windows(cleaned.sequence)
    if gate is None:
        return windows, () if len(windows) else ("The pass is shorter than a window of 2 s.",)
    report = assess(cleaned, gate)
    if not report.usable:
        return GaitWindows.empty(), tuple(report.reasons)
    return windows.select(np.array([w.usable for w in report.windows], dtype=bool)), ()


def join_clips(passes: Sequence[Pass]) -> list[Pass]:
    """Join the passes of each clip into one probe, as ``--person all`` does.

    The enrolled passes stay as they are, and out of it.
    """
    joined = [p for p in passes if _is_enrolled(p)]
    for person, condition in sorted({(p.person, p.condition) for p in passes}):
        parts = [
            p
            for p in passes
            if (p.person, p.condition) == (person, condition) and not _is_enrolled(p)
        ]
        if parts:
            windows = GaitWindows.concatenate([p.windows for p in parts])
            reasons = tuple(dict.fromkeys(reason for p in parts for reason in p.reasons))
            joined.append(
                Pass(
                    person,
                    condition,
                    parts[0].number,
                    windows,
                    () if len(windows) else reasons,
                )
            )
    return joined


def judge(
    passes: Sequence[Pass], encoder: Encoder, min_template_windows: int, draws: int
) -> GateResult:
    """Enrol, then try every claim of every other pass.

    A claim is INCONCLUSIVE if its pass has no usable window, or the claimed person no template.
    """
    card, measure = encoder.card, Normalisation.of(encoder)
    people = sorted({p.person for p in passes})
    templates: dict[str, NDArray[np.float32]] = {}
    for person in people:
        first = [p for p in passes if _is_enrolled(p) and p.person == person]
        parts = [encoder.embed(p.windows) for p in first if len(p.windows)]
        if sum(len(part) for part in parts) >= min_template_windows:
            templates[person] = make_template(parts)
    probes = [p for p in passes if not _is_enrolled(p)]
    reasons: Counter[str] = Counter()
    rows: list[tuple[float, Pass, str]] = []
    for probe in probes:
        embedded = encoder.embed(probe.windows) if len(probe.windows) else None
        for claim in people:
            score = np.nan
            if embedded is None:
                reasons.update({"probe: " + _general(reason) for reason in probe.reasons})
            elif claim not in templates:
                reasons["template of too little material"] += 1
            else:
                score = measure.similarity(embedded, templates[claim])
            rows.append((score, probe, claim))
    trials, condition = _tabulate(rows)
    decisions = [decide(score, len(probe.windows), card) for score, probe, _ in rows]
    close = sum(found is Decision.INCONCLUSIVE for found in decisions) - trials.failures
    if close:
        reasons[decision.TOO_CLOSE] = close
    every = {c: condition == c for c in CONDITIONS} | {"all": np.ones(len(rows), bool)}
    scored = np.isfinite(trials.scores)
    return GateResult(
        trials=trials,
        condition=condition,
        threshold=card.operating_point.threshold,
        counts={c: _count(trials, decisions, keep) for c, keep in every.items()},
        reasons=dict(reasons.most_common()),
        enrolled=len(templates),
        passes=len(probes),
        figures=_figures(trials, every, draws),
        scored=_figures(trials, {c: keep & scored for c, keep in every.items()}, draws),
    )


def _is_enrolled(found: Pass) -> bool:
    return found.condition == "d1" and found.number < ENROLLED_PASSES


def _general(reason: str) -> str:
    """Replace the numbers of a reason, so that like reasons are counted together."""
    words = ("…" if any(c.isdigit() for c in word) else word for word in reason.split())
    return " ".join(words)


def _tabulate(rows: Sequence[tuple[float, Pass, str]]) -> tuple[Trials, NDArray[np.str_]]:
    if not rows:
        raise InputError("No pass was found that could claim anything.")
    probe = np.array([p.person for _, p, _ in rows])
    claimed = np.array([claim for _, _, claim in rows])
    condition = np.array([p.condition for _, p, _ in rows])
    trials = Trials(
        scores=np.array([score for score, _, _ in rows]),
        mated=probe == claimed,
        probe=probe,
        claimed=claimed,
        recording=np.array([f"{p.condition}/{p.number}" for _, p, _ in rows]),
        source=np.full(len(rows), "kth"),
        kind=np.where(probe == claimed, str(Kind.MATED), str(Kind.ENROLLED)),
        fold=np.zeros(len(rows), np.int64),
    )
    return trials, condition


def decide(score: float, windows: int, card: ModelCard) -> Decision:
    """Return the verdict that `gaitproof.verify.verifier` gives for a similarity, or for none."""
    if np.isnan(score):
        return Decision.INCONCLUSIVE
    log10_lr = log10_likelihood_ratio(score, card.calibration, windows)
    return decision.decide(score, log10_lr, card.operating_point)


def _count(
    trials: Trials, decisions: Sequence[Decision], keep: NDArray[np.bool_]
) -> dict[str, Counts]:
    table = {}
    for name, kind in (("mated", trials.mated), ("non-mated", ~trials.mated)):
        found = Counter(decisions[i] for i in np.flatnonzero(keep & kind))
        table[name] = Counts(
            found[Decision.AUTHENTIC], found[Decision.DEEPFAKE], found[Decision.INCONCLUSIVE]
        )
    return table


def _figures(
    trials: Trials, parts: dict[str, NDArray[np.bool_]], draws: int
) -> dict[str, dict[str, Interval]]:
    found = {}
    for name, keep in parts.items():
        part = trials.select(keep)
        both = part.mated.any() and not part.mated.all()
        if both and part.failures < len(part) and len(part.subjects) > 2:
            figures = intervals(part, draws=draws)
            found[name] = {figure: figures[figure] for figure in ("auc", "eer")}
    return found


def confusion_table(result: KthResult) -> Table:
    """Lay out the verdicts by gate, condition and kind of claim."""
    from rich.table import Table

    table = Table(title=f"KTH, {result.people} people, enrolled from d1: verdicts")
    for heading in ("gate", "probe from", "claim", *Decision):
        table.add_column(heading, justify="right" if heading.isupper() else "left")
    for name, gate in result.gates.items():
        for condition, kinds in gate.counts.items():
            for kind, counts in kinds.items():
                table.add_row(
                    name,
                    condition,
                    kind,
                    str(counts.authentic),
                    str(counts.deepfake),
                    str(counts.inconclusive),
                )
    return table


def score_table(result: KthResult) -> Table:
    """Lay out AUC and EER by gate and condition, over all claims and over those with a score."""
    from rich.table import Table

    table = Table(title="KTH: scores; 95 % intervals over people")
    headings = (
        "AUC %, all claims",
        "EER %, all claims",
        "AUC %, scored",
        "EER %, scored",
        "scored",
    )
    table.add_column("gate")
    table.add_column("probe from")
    for heading in headings:
        table.add_column(heading, justify="right")
    support = metrics.supported_rate(result.people)
    for name, gate in result.gates.items():
        scored = np.isfinite(gate.trials.scores)
        for condition in gate.counts:
            inside = (
                np.full(len(scored), True) if condition == "all" else gate.condition == condition
            )
            cells = [
                format_percent(part[condition][figure], support if figure == "eer" else 0.0)
                if condition in part
                else "–"
                for part in (gate.figures, gate.scored)
                for figure in ("auc", "eer")
            ]
            table.add_row(name, condition, *cells, f"{(scored & inside).sum()} of {inside.sum()}")
    return table


def reason_table(result: KthResult) -> Table:
    """Lay out why claims were INCONCLUSIVE."""
    from rich.table import Table

    table = Table(title="KTH: why INCONCLUSIVE")
    table.add_column("gate")
    table.add_column("reason")
    table.add_column("claims", justify="right")
    for name, gate in result.gates.items():
        for reason, count in gate.reasons.items():
            table.add_row(name, reason, str(count))
    return table
