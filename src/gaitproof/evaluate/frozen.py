"""Score a model as it is, threshold and calibration included, on people it was not made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.audit import audit_manifest, refuse
from gaitproof.errors import ConfigError, InputError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.calibration import calibrate
from gaitproof.evaluate.normalisation import scoring_of_encoder
from gaitproof.evaluate.plans import Plan, make_plan, score_plan
from gaitproof.evaluate.result import EmbeddingSample, EvaluationResult, SystemResult
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.summary import FixedPoint, summarise
from gaitproof.evaluate.trials import (
    GaitRecording,
    Level,
    Trials,
    entries_of,
    person,
    recording_key,
)
from gaitproof.evaluate.view_figures import ViewFigures
from gaitproof.verify.decision import answer, applied

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.data.gait.load import PairedRecording
    from gaitproof.data.gait.silhouettes import SilhouetteRecording
    from gaitproof.nets.card import ModelCard, OperatingPoint
    from gaitproof.nets.encoder import WindowEncoder

MIN_PEOPLE: Final = 3
"""With fewer there is no interval over people."""

DEFAULT_ENROLLED: Final = 3

_LEVELS: Final[tuple[Level, ...]] = ("clip", "window")


SILHOUETTES_ENROLLED: Final = 4
"""As CASIA-B's protocol does: nm-01 to nm-04 of six."""


def load_data(path: Path, frame_rate: float | None = None) -> list[Recording]:
    """Read walks as `gaitproof.data.gait.load_recordings` does, which must find some.

    Raises
    ------
    ConfigError
        If a frame rate is given and the files state theirs, or it is out of range.
    InputError
        If nothing can be read, or no walk is in it.
    """
    from gaitproof.data.gait import load_recordings

    recordings = load_recordings(path, path.stem, frame_rate)
    if not recordings:
        raise InputError(
            f"There is no usable recording in {str(path)!r}.",
            expected="recordings with a frame rate",
            hint="one without a frame rate is left out, since no speed can be had from it",
        )
    return recordings


def load_masks(path: Path, frame_rate: float | None = None) -> list[SilhouetteRecording]:
    """Read walks of silhouettes; as `load_data`.

    Raises
    ------
    ConfigError
        If a frame rate is given for an archive, which states its own.
    InputError
        If nothing can be read.
    """
    from gaitproof.data.gait.silhouettes import load_silhouette_data

    return load_silhouette_data(path, path.stem, frame_rate)


def load_both(path: Path, frame_rate: float | None = None) -> list[PairedRecording]:
    """Read walks of silhouettes and joints from a manifest; as `load_data`.

    Raises
    ------
    ConfigError
        If a frame rate is given: extracted poses state theirs.
    InputError
        If nothing can be read.
    """
    from gaitproof.data.gait.load import load_paired

    if frame_rate is not None:
        raise ConfigError(f"What was extracted into {str(path)!r} states its own frame rate.")
    return load_paired(path, path.stem)


def load_for(
    card: ModelCard, path: Path, frame_rate: float | None = None
) -> Sequence[GaitRecording]:
    """Read walks of the signal, and with the joints, that the network of a card reads.

    Raises
    ------
    ConfigError, InputError
        As `load_data`, `load_masks` and `load_both`.
    """
    if card.signal == "silhouettes":
        return load_masks(path, frame_rate)
    if card.signal == "both":
        return load_both(path, frame_rate)
    return [walk.seen(card.layout, card.least_frames) for walk in load_data(path, frame_rate)]


def evaluate_model(
    encoder: WindowEncoder,
    recordings: Sequence[GaitRecording],
    *,
    enrolled: int | None = None,
    scope: Scope | None = None,
    by_view: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> EvaluationResult:
    """Score a model on people it was not made with; nothing is fitted.

    Everybody claims to be everybody of the same source. Decisions are those at the card's
    threshold, likelihood ratios those of the card's calibration.

    Parameters
    ----------
    encoder
        A model with its card.
    recordings
        Walks; augmented copies are left out.
    enrolled
        Recordings per template; by default 3, or as many as let three people be enrolled, with a
        warning.
    scope
        Which recordings are enrolled and tried; several conditions tried are also reported apart.
    by_view
        Also say how it does by view; see `gaitproof.evaluate.view_figures`.
    draws, seed
        Of the bootstrap over people.
    progress
        Called with the share of walks embedded, 0 to 1.

    Returns
    -------
    EvaluationResult
        With one fold, and what the reader must know in `warnings`.

    Raises
    ------
    InputError
        If the data leaks, holds fewer than three people, no template and probe can be made, or
        walks are two-dimensional and the model is not, or the other way round.
    """
    originals = [r for r in recordings if not r.parent]
    _check_dimensions(encoder.card, originals)
    people = {person(r) for r in originals}
    if len(people) < MIN_PEOPLE:
        raise InputError(
            "Too few people to evaluate with.",
            expected=f"{MIN_PEOPLE} or more",
            actual=str(len(people)),
        )
    chosen = Scope() if scope is None else scope
    chosen.check(originals)
    refuse(audit_manifest(entries_of(originals)))
    plans, count, warnings = _plans(originals, enrolled, chosen)
    views = ViewFigures(chosen, count) if by_view else None
    used = frozenset[int]().union(*(plan.used for plan in plans))
    if views is not None:
        used |= views.used(originals, people)
    rows = _embed(encoder, originals, used, progress)
    probes = {i for plan in plans for i in plan.probes}
    if not any(len(rows[i]) for i in probes):
        raise InputError(
            "No probe holds a two-second window, so nothing can be scored.",
            actual=f"{len(probes)} probes",
            hint="a window is two seconds of walking without a gap",
        )
    for plan in plans:
        warnings += _failures(originals, plan, rows)
    point = FixedPoint(
        encoder.card.operating_point.threshold,
        lambda trials: calibrate(trials, encoder.card.calibration),
    )
    scoring = scoring_of_encoder(encoder)
    if views is not None:
        views.add(originals, rows, people, scoring)
    system = {}
    for level in _LEVELS:
        trials = Trials.concatenate(
            [score_plan(plan, originals, rows, level=level, scoring=scoring) for plan in plans]
        )
        system[level] = summarise(trials, draws=draws, seed=seed, point=point)
    known = [i for plan in plans[:1] for i in plan.used if len(rows[i])]
    where = f", {chosen}" if str(chosen) else ""
    return EvaluationResult(
        protocol=(
            f"{encoder.card.model_id} as it is, at its card's threshold "
            f"{point.threshold:.3f}{where}, {count} recordings enrolled"
        ),
        folds=1,
        enrolled=count,
        seed=seed,
        draws=draws,
        system=system,
        baselines={},
        comparisons={},
        design="frozen",
        warnings=(
            *_answers(system["clip"], encoder.card.operating_point),
            *warnings,
            *_overlap(encoder.card, originals),
        ),
        sample=EmbeddingSample.of_clips([originals[i] for i in known], [rows[i] for i in known]),
        rank_one={} if views is None else views.rank_one(draws, seed),
        views={} if views is None else views.tables(draws, seed),
    )


def _embed(
    encoder: WindowEncoder,
    recordings: Sequence[GaitRecording],
    used: frozenset[int],
    progress: Callable[[float], None],
) -> list[NDArray[np.float32]]:
    """Embed the windows of the recordings used; no row for others and for those without any."""
    rows = []
    for i, recording in enumerate(recordings):
        windows = recording.windows if i in used else ()
        rows.append(
            encoder.embed(windows)
            if len(windows)
            else np.zeros((0, encoder.card.embedding_size), np.float32)
        )
        progress((i + 1) / len(recordings))
    return rows


def _plans(
    recordings: Sequence[GaitRecording], enrolled: int | None, scope: Scope
) -> tuple[tuple[Plan, ...], int, tuple[str, ...]]:
    """Plan every condition tried, all with the same number of recordings per template."""
    parts = scope.parts()
    counts = [_plan_frozen(recordings, enrolled, part)[1] for part in parts]
    plans = [_plan_frozen(recordings, min(counts), part) for part in parts]
    warnings = [text for part in parts for text in _plan_frozen(recordings, enrolled, part)[2]]
    return tuple(plan for plan, _, _ in plans), min(counts), tuple(dict.fromkeys(warnings))


def _check_dimensions(card: ModelCard, recordings: Sequence[GaitRecording]) -> None:
    """Raise `InputError` if walks have another number of dimensions than the model's."""
    # a video in which nobody was found has no dimension
    unfit = {r.source for r in recordings if card.misfit(flat=r.flat) and len(r.windows)}
    if unfit:
        expected, actual = (2, 3) if card.dimensions == 2 else (3, 2)
        raise InputError(
            f"The model {card.model_id} cannot score these recordings.",
            expected=f"recordings in {expected} dimensions, as those it was trained on",
            actual=f"{', '.join(sorted(unfit))}: recordings in {actual} dimensions",
            hint="use a model that was trained on such recordings: 'gaitproof train'",
        )


def _answers(system: SystemResult, point: OperatingPoint) -> tuple[str, ...]:
    """Say what the card's inconclusive band makes of the clips, if it has one."""
    if point.inconclusive is None or system.log10_lr is None:
        return ()
    band = applied(point.inconclusive)
    answers = answer(
        system.trials.scores,
        system.log10_lr,
        low=band.low,
        high=band.high,
        min_log10_lr=band.min_log10_lr,
    )

    def shares(keep: NDArray[np.bool_], right: int) -> str:
        own = answers[keep]
        return (
            f"{np.mean(own == right):.1%} right, {np.mean(own == -right):.1%} wrong, "
            f"{np.mean(own == 0):.1%} undecided"
        )

    return (
        "With the card's inconclusive band, clip level: genuine claims "
        f"{shares(system.trials.mated, 1)}; impostors {shares(~system.trials.mated, -1)}.",
    )


def _plan_frozen(
    recordings: Sequence[GaitRecording], enrolled: int | None, scope: Scope
) -> tuple[Plan, int, tuple[str, ...]]:
    """Return a plan, its recordings per template, the most the data allow, and what to tell."""
    wanted = DEFAULT_ENROLLED if enrolled is None else enrolled
    needed = MIN_PEOPLE if enrolled is None else 1
    plans = {
        count: make_plan(
            recordings,
            enrolled=count,
            enroll=scope.enrolls,
            probe=scope.probes,
            part=str(scope),
        )
        for count in range(wanted, 0, -1)
    }
    count = next(
        (n for n, plan in plans.items() if len(plan.templates) >= needed),
        max(plans, key=lambda n: len(plans[n].templates)),
    )
    plan = plans[count]
    if not plan.templates:
        sizes = Counter(r[:2] for r in {recording_key(r) for r in recordings})
        raise InputError(
            "Nobody has a recording for a template and another one to be tried with.",
            actual=f"{len(sizes)} people with {min(sizes.values())} to {max(sizes.values())} "
            "recordings each" + (f" before choosing {scope}" if str(scope) else ""),
        )
    warnings = []
    if count < wanted:
        noun = "recording" if count == 1 else "recordings"
        warnings.append(
            f"Templates are made of {count} {noun} instead of {wanted}: too few people have more."
        )
    tried = {person(recordings[i]) for i in plan.probes}
    strangers = len(tried - set(plan.templates))
    if strangers:
        warnings.append(
            f"{strangers} of {len(tried | set(plan.templates))} people have too few recordings to "
            "be enrolled; they only claim to be others."
        )
    return plan, count, tuple(warnings)


def _failures(
    recordings: Sequence[GaitRecording], plan: Plan, rows: Sequence[NDArray[Any]]
) -> tuple[str, ...]:
    """Say how many clips could not be acquired."""
    warnings = []
    lost = sum(not len(rows[i]) for i in plan.probes)
    if lost:
        warnings.append(
            f"{lost} of {len(plan.probes)} probes hold no two-second window (failure to acquire): "
            "they count as rejected at every threshold."
        )
    empty = [k for k, members in plan.templates.items() if not any(len(rows[i]) for i in members)]
    if empty:
        warnings.append(
            f"{len(empty)} templates hold no window at all (failure to enrol): every claim on "
            "them counts as rejected."
        )
    return tuple(warnings)


def _overlap(card: ModelCard, recordings: Sequence[GaitRecording]) -> tuple[str, ...]:
    """Warn where a data set of the card's name is tried: its people may have been trained on."""
    plain = {"".join(filter(str.isalnum, r.source)).lower() for r in recordings}
    same = [
        source.name
        for source in card.data
        if "".join(filter(str.isalnum, source.name)).lower() in plain
    ]
    if not same:
        return ()
    return (
        f"The model was trained on data called {', '.join(same)}. If these are the same people, "
        "the figures are no evidence: use people it has not seen.",
    )
