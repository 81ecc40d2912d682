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
    """Every data set left out once, and the threshold that follows."""

    left_out: tuple[LeftOut, ...]
    threshold: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    def flat(self) -> dict[str, float]:
        """Return the figures by name, for a card."""
        found = {}
        for one in self.left_out:
            found[f"{one.source}: auc"] = one.all_kinds.value
            found[f"{one.source}: false alarms"] = one.false_alarms.value
            found |= {
                f"{one.source}: auc, {kind} left out": value.value
                for kind, value in one.by_kind.items()
            }
        return {name: round(value, 4) for name, value in found.items()}


def evaluate_motion(
    clips: MotionClips,
    settings: MotionTrainSettings,
    *,
    draws: int = DRAWS,
    progress: Progress | None = None,
) -> MotionFigures:
    """Train without every data set, and without every data set and every kind.

    Raises
    ------
    InputError
        If there are not two data sets.
    """
    sources = [str(name) for name in np.unique(clips.source)]
    if len(sources) < 2:
        raise InputError("Motion is evaluated on data sets left out.", expected="two or more")
    jobs = len(sources) * (1 + len(settings.kinds))
    done = 0
    scores: dict[str, Float64] = {}
    by_kind: dict[str, dict[str, Interval]] = {}
    tests = {name: clips.select(clips.source == name) for name in sources}
    for name in sources:
        for kind in ("", *settings.kinds):
            test = tests[name]
            if not kind or (test.kind == kind).any():
                chosen = (clips.source != name) & (clips.kind != kind)
                judge = train_judge(clips.select(chosen), settings)
                found = score_clips(judge, test, settings.references, settings.seed)
                if not kind:
                    scores[name] = found
                else:
                    part = test.captured | (test.kind == kind)
                    by_kind.setdefault(name, {})[kind] = auc_interval(found, test, part, draws)
            done += 1
            if progress is not None:
                progress(done / jobs)
    limits = {
        name: float(np.quantile(scores[name][tests[name].captured], 1 - FALSE_ALARMS))
        for name in sources
    }
    rows = [
        _left_out(
            tests[name],
            scores[name],
            by_kind.get(name, {}),
            max(limits[other] for other in sources if other != name),
            draws,
        )
        for name in sources
    ]
    return MotionFigures(tuple(rows), max(limits.values()))


def _left_out(
    test: MotionClips, scores: Float64, by_kind: dict[str, Interval], threshold: float, draws: int
) -> LeftOut:
    alarms = scores >= threshold
    return LeftOut(
        source=str(test.source[0]),
        people=len(np.unique(test.person)),
        captured=int(test.captured.sum()),
        all_kinds=auc_interval(scores, test, np.ones(len(scores), bool), draws),
        by_kind=by_kind,
        false_alarms=_share(alarms, test, test.captured, draws),
        found=_share(alarms, test, ~test.captured, draws),
    )


def auc_interval(
    scores: Float64, clips: MotionClips, part: NDArray[np.bool_], draws: int
) -> Interval:
    """Return the AUC of generated over captured clips, with 95 % over people."""
    order = np.flatnonzero(part)[np.argsort(scores[part], kind="stable")]
    weights = _person_weights(clips, draws)[:, order]
    captured = clips.captured[order]
    before = np.cumsum(weights * captured, axis=1)
    pairs = (weights * ~captured).sum(axis=1) * before[:, -1]
    drawn = (weights * ~captured * before).sum(axis=1) / np.maximum(pairs, 1e-12)
    return Interval(float(drawn[0]), *percentile_interval(drawn[1:][pairs[1:] > 0]))


def _share(
    values: NDArray[np.bool_], clips: MotionClips, part: NDArray[np.bool_], draws: int
) -> Interval:
    weights = _person_weights(clips, draws)[:, part]
    drawn = (weights * values[part]).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-12)
    return Interval(float(drawn[0]), *percentile_interval(drawn[1:]))


def _person_weights(clips: MotionClips, draws: int) -> Float64:
    """Return how often every clip counts, (1 + draws, C): first as it is, then people redrawn."""
    people, number = np.unique(clips.person, return_inverse=True)
    drawn = draw_people(len(people), draws, 0)
    return np.concatenate([np.ones((1, len(people))), drawn])[:, number]
