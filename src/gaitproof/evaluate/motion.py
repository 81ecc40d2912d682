"""How well generated motion is told from captured: kinds and data sets left out of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval, draw_people, percentile_interval
from gaitproof.train.motion import MotionClips, MotionTrainSettings, score_clips, train_judge

Float64 = NDArray[np.float64]
Progress = Callable[[float], None]

FALSE_ALARMS: Final = 0.05
"""Share of captured clips of a data set left out that may look generated."""


@dataclass(frozen=True)
class LeftOut:
    """What a judge makes of a data set that it was not trained on.

    Parameters
    ----------
    source
        The data set.
    people, captured
        People in it, and captured clips.
    all_kinds
        AUC over all kinds, all of which it was trained on, with 95 % over people.
    by_kind
        AUC for each kind, which was left out of its training as well.
    false_alarms
        Share of captured clips that look generated at the threshold of the other data sets.
    found
        Share of generated clips that do.
    """

    source: str
    people: int
    captured: int
    all_kinds: Interval
    by_kind: dict[str, Interval]
    false_alarms: Interval
    found: Interval


@dataclass(frozen=True)
class MotionFigures:
    """What is reached on what was left out, and the threshold that follows.

    Parameters
    ----------
    left_out
        Every data set, left out once.
    kinds
        AUC for each kind, left out of training, on the half of the people of every data set that
        was left out, too.
    threshold
        From which motion looks generated.
    """

    left_out: tuple[LeftOut, ...]
    kinds: dict[str, Interval]
    threshold: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    def flat(self) -> dict[str, float]:
        """Return the figures by name, for a card."""
        figures = {f"auc, {kind} and people left out": v.value for kind, v in self.kinds.items()}
        for one in self.left_out:
            figures[f"{one.source}: auc"] = one.all_kinds.value
            figures[f"{one.source}: false alarms"] = one.false_alarms.value
            figures |= {
                f"{one.source}: auc, {kind} left out": value.value
                for kind, value in one.by_kind.items()
            }
        return {name: round(value, 4) for name, value in figures.items()}


def evaluate_motion(
    clips: MotionClips,
    settings: MotionTrainSettings,
    *,
    progress: Progress = lambda share: None,
) -> MotionFigures:
    """Train without every data set, without every kind, and without both.

    Raises
    ------
    InputError
        If there are not two data sets.
    """
    sources = [str(name) for name in np.unique(clips.source)]
    if len(sources) < 2:
        raise InputError("Motion is evaluated on data sets left out.", expected="two or more")
    trained = _Trained(settings, (len(sources) + 1) * (1 + len(settings.kinds)) - 1, progress)
    scores: dict[str, Float64] = {}
    by_kind: dict[str, dict[str, Interval]] = {}
    tests = {name: clips.select(clips.source == name) for name in sources}
    for name in sources:
        known = clips.source != name
        scores[name] = trained.scores(clips.select(known), tests[name])
        by_kind[name] = _kinds_left_out(trained, clips, known)
    kinds = _kinds_left_out(trained, clips, _half_of_people(clips, settings.seed))
    limits = {
        name: float(np.quantile(scores[name][tests[name].captured], 1 - FALSE_ALARMS))
        for name in sources
    }
    rows = [
        _left_out(
            tests[name],
            scores[name],
            by_kind[name],
            max(limits[other] for other in sources if other != name),
        )
        for name in sources
    ]
    return MotionFigures(tuple(rows), kinds, max(limits.values()))


class _Trained:
    """Scores of judges that are trained one after another; tells the share that is done."""

    def __init__(self, settings: MotionTrainSettings, jobs: int, progress: Progress) -> None:
        self.settings, self._jobs, self._progress, self._done = settings, jobs, progress, 0

    def scores(self, known: MotionClips, test: MotionClips) -> Float64:
        """Train on `known` and score `test`."""
        judge = train_judge(known, self.settings)
        clip_scores = score_clips(judge, test, self.settings.references, self.settings.seed)
        self._done += 1
        self._progress(self._done / self._jobs)
        return clip_scores


def _kinds_left_out(
    trained: _Trained, clips: MotionClips, known: NDArray[np.bool_]
) -> dict[str, Interval]:
    """Leave every kind out of the training on `known` clips (C,), and test on the others."""
    test = clips.select(~known)
    figures = {}
    for kind in trained.settings.kinds:
        part = test.captured | (test.kind == kind)
        if not part[~test.captured].any():
            continue
        scores = trained.scores(clips.select(known & (clips.kind != kind)), test)
        figures[kind] = auc_interval(scores, test, part)
    return figures


def _left_out(
    test: MotionClips, scores: Float64, by_kind: dict[str, Interval], threshold: float
) -> LeftOut:
    alarms = scores >= threshold
    return LeftOut(
        source=str(test.source[0]),
        people=len(np.unique(test.person)),
        captured=int(test.captured.sum()),
        all_kinds=auc_interval(scores, test, np.ones(len(scores), bool)),
        by_kind=by_kind,
        false_alarms=_share(alarms, test, test.captured),
        found=_share(alarms, test, ~test.captured),
    )


def _half_of_people(clips: MotionClips, seed: int) -> NDArray[np.bool_]:
    """Return which clips (C,) are of a random half of the people of every data set."""
    rng = np.random.default_rng([seed, 0x30A])
    chosen: set[str] = set()
    for source in np.unique(clips.source):
        people = np.unique(clips.person[clips.source == source])
        chosen |= set(rng.permutation(people)[: (len(people) + 1) // 2].tolist())
    return np.isin(clips.person, sorted(chosen))


def auc_interval(scores: Float64, clips: MotionClips, part: NDArray[np.bool_]) -> Interval:
    """Return the AUC of generated over captured clips, with 95 % over people."""
    order = np.flatnonzero(part)[np.argsort(scores[part], kind="stable")]
    weights = _person_weights(clips)[:, order]
    captured = clips.captured[order]
    before = np.cumsum(weights * captured, axis=1)
    pairs = (weights * ~captured).sum(axis=1) * before[:, -1]
    drawn = (weights * ~captured * before).sum(axis=1) / np.maximum(pairs, 1e-12)
    return Interval(float(drawn[0]), *percentile_interval(drawn[1:][pairs[1:] > 0]))


def _share(values: NDArray[np.bool_], clips: MotionClips, part: NDArray[np.bool_]) -> Interval:
    weights = _person_weights(clips)[:, part]
    drawn = (weights * values[part]).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-12)
    return Interval(float(drawn[0]), *percentile_interval(drawn[1:]))


def _person_weights(clips: MotionClips) -> Float64:
    """Return how often every clip counts, (1 + DRAWS, C): first as it is, then people redrawn."""
    people, number = np.unique(clips.person, return_inverse=True)
    drawn = draw_people(len(people), DRAWS, 0)
    return np.concatenate([np.ones((1, len(people))), drawn])[:, number]
