"""What joints and silhouettes are worth together on people and domains their models have not seen.

Every signal is calibrated on domains that its model was not trained on, each weighing the same; of
silhouettes there is one, so what their card holds of people held out is the second. The two log
likelihood ratios are added.
KTH Actions has both signals of the same people (ten, 60 to 80 pixels tall, so the gates' limits on
size are lifted); its figures are measured with neither person of a claim in the calibrations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.kth.claims import decide, wrong_verdicts
from experiments.shared import Progress, no_progress
from experiments.signals.domains import Domain, fit, of_walks
from experiments.signals.kth import LEVELS, Claims, read_kth
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Interval,
    bootstrap_means,
    intervals,
    percentile_interval,
)
from gaitproof.evaluate.comparison import Comparison, compare_figures
from gaitproof.evaluate.trials import Trials
from gaitproof.types import Decision, ErrorRate
from gaitproof.verify.calibration import balanced_logistic, log10_likelihood_ratios
from gaitproof.verify.decision import decide_joined
from gaitproof.verify.signals import JOINTS, SILHOUETTES, AnswerRates, SignalWeight, SignalWeights

if TYPE_CHECKING:
    from gaitproof.nets.card import ModelCard
    from gaitproof.nets.encoder import Encoder, WindowEncoder

Float64 = NDArray[np.float64]

TARGET: Final = 0.05
"""Largest share of wrong answers among the claims of a kind that is aimed at."""

STEPS: Final = tuple(round(0.3 + 0.05 * i, 2) for i in range(15))
"""Magnitudes that the rule may decide from; the least of ENFSI's scale is log10 2 = 0.30."""

WALKS: Final = ("gaitvalidation.npz", "cmu_walk.npz")
"""Joints of other sensors; no masks."""

SUM: Final = "joined: sum"
LEARNT: Final = "joined: weights learnt on the other people"


@dataclass(frozen=True, eq=False)
class Level:
    """KTH at one level.

    Parameters
    ----------
    trials
        The claims.
    comparison
        AUC and EER of every system against the better single signal, paired over people.
    answers
        By system: wrong and undecided shares of non-mated and mated claims.
    """

    trials: Trials
    comparison: tuple[Comparison, ...]
    answers: dict[str, dict[str, Interval]]


@dataclass(frozen=True, eq=False)
class SignalsResult:
    """The weights, and what they were measured to do."""

    weights: SignalWeights
    levels: dict[str, Level]
    domains: dict[str, dict[str, dict[str, float]]]
    """By signal and domain: people, claims, AUC, similarity where neither side is favoured."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "weights": self.weights.model_dump(mode="json"),
            "domains": self.domains,
            "levels": {
                name: {
                    "comparison": [one.to_dict() for one in level.comparison],
                    "answers": {
                        system: {kind: vars(found) for kind, found in shares.items()}
                        for system, shares in level.answers.items()
                    },
                }
                for name, level in self.levels.items()
            },
        }


def run(
    data: Path,
    encoder: Encoder,
    masks: WindowEncoder,
    *,
    cache: Path | None = None,
    draws: int = DRAWS,
    progress: Progress = no_progress,
    walks: Sequence[str] = WALKS,
    read: Callable[..., dict[str, Claims]] = read_kth,
) -> SignalsResult:
    """Learn and measure.

    Parameters
    ----------
    data
        Folder with ``kth/`` and the archives of joints in `walks`.
    encoder, masks
        Models of joints and of silhouettes, with the scores of people held out on their cards.
    cache
        Folder for poses; a second run is quick.
    draws
        Bootstrap draws over people.
    progress
        Told the share of KTH's clips done, 0 to 1.
    walks
        Archives of joints that the encoder was not trained on.
    read
        Reads KTH; replaced in tests.
    """
    claims = read(data / "kth", encoder, masks, cache=cache, draws=draws, progress=progress)
    trials: dict[str, dict[str, Trials]] = {
        JOINTS: {level: found.joints.trials for level, found in claims.items()},
        SILHOUETTES: {level: found.silhouettes.trials for level, found in claims.items()},
    }
    own = Domain.of_card(masks.card)
    domains: dict[str, list[Domain]] = {
        JOINTS: [of_walks(encoder, data / name) for name in walks],
        # one unseen domain cannot show how far a threshold travels: the model's own is the second
        SILHOUETTES: [own],
    }
    for signal, found in domains.items():
        found.append(Domain.of_trials("KTH", *trials[signal].values()))
    ratios: dict[str, dict[str, Float64]] = {
        level: {signal: _left_out(domains[signal], trials[signal][level]) for signal in domains}
        for level in LEVELS
    }
    calibrations = {signal: fit(found) for signal, found in domains.items()}
    bound = min(one.log10_lr_bound for one in calibrations.values())
    for level in LEVELS:
        base = trials[SILHOUETTES][level]
        ratios[level] |= {
            SUM: join(ratios[level], bound),
            LEARNT: _learnt(ratios[level], base, bound),
        }
    cards: dict[str, ModelCard] = {JOINTS: encoder.card, SILHOUETTES: masks.card}
    least = _decides_at(
        [(trials[SILHOUETTES][level], ratios[level][SUM]) for level in LEVELS],
        own.mated,
        log10_likelihood_ratios(own.scores, calibrations[SILHOUETTES]),
        own.balanced,
        bound,
    )
    levels = {
        level: _measure(
            {signal: trials[signal][level] for signal in trials}, ratios[level], cards, least, draws
        )
        for level in LEVELS
    }
    weights = SignalWeights(
        signals={
            signal: SignalWeight(
                model_id=cards[signal].model_id,
                calibration=calibrations[signal],
                domains={domain.name: domain.people for domain in domains[signal]},
            )
            for signal in (JOINTS, SILHOUETTES)
        },
        log10_lr_bound=bound,
        decides_at=least,
        both=_rates(levels["clip"].answers[SUM], "joints and silhouettes"),
        silhouettes=_rates(levels["clip"].answers[SILHOUETTES], "silhouettes alone"),
        figures={
            f"kth/{level}/{row.name}/{one.figure}": round(row.value, 5)
            for level, found in levels.items()
            for one in found.comparison
            for row in one.rows
        },
        limits=(
            "Silhouettes were measured on two domains only, joints on few; the next camera may be "
            "unlike all of them. KTH's people are smaller than what the gates let through."
        ),
        fitted_on=datetime.now(tz=UTC).date().isoformat(),
    )
    return SignalsResult(
        weights,
        levels,
        {signal: {d.name: d.describe() for d in found} for signal, found in domains.items()},
    )


def join(ratios: dict[str, Float64], bound: float) -> Float64:
    """Add the ratios up as the verdict does: silhouettes are needed, joints are not."""
    total = ratios[SILHOUETTES] + np.nan_to_num(ratios[JOINTS])
    return np.clip(total, -bound, bound)


def _pairs(trials: Trials) -> list[tuple[NDArray[np.bool_], list[str]]]:
    """Return the claims of every two people (or of one), and who they are."""
    keys = np.array([sorted(pair) for pair in zip(trials.probe, trials.claimed, strict=True)])
    found = np.unique(keys, axis=0)
    return [((keys == pair).all(axis=1), sorted({*pair.tolist()})) for pair in found]


def _left_out(domains: Sequence[Domain], trials: Trials) -> Float64:
    """Calibrate the claims of the last domain without the two people of each."""
    *others, last = domains
    out = np.full(len(trials), np.nan)
    for own, people in _pairs(trials):
        card = fit([*others, last.without(people)])
        out[own] = log10_likelihood_ratios(trials.scores[own], card)
    return out


def _learnt(ratios: dict[str, Float64], trials: Trials, bound: float) -> Float64:
    """Join with a logistic regression on the other people, where both signals are known."""
    given = np.stack([ratios[JOINTS], ratios[SILHOUETTES]], axis=1)
    both = np.isfinite(given).all(axis=1)
    out = join(ratios, bound)
    for own, people in _pairs(trials):
        rest = both & ~np.isin(trials.probe, people) & ~np.isin(trials.claimed, people)
        slopes, offset = balanced_logistic(given[rest], trials.mated[rest], ridge=0.01)
        raw = (offset + given[own & both] @ slopes) / np.log(10)
        out[own & both] = np.clip(raw, -bound, bound)
    return out


def _decides_at(
    measured: Sequence[tuple[Trials, Float64]],
    own_mated: NDArray[np.bool_],
    own_ratios: Float64,
    own_weights: Float64,
    bound: float,
) -> float:
    """Find the least magnitude that keeps wrong answers within the target everywhere."""
    steps = [step for step in STEPS if step <= bound]

    def worst(least: float) -> float:
        shares = [
            float(2 * own_weights[(own_ratios >= least) & ~own_mated].sum()),
            float(2 * own_weights[(own_ratios <= -least) & own_mated].sum()),
        ]
        for trials, ratios in measured:
            shares.append(float((ratios[~trials.mated] >= least).mean()))
            shares.append(float((ratios[trials.mated] <= -least).mean()))
        return max(shares)

    return next((step for step in steps if worst(step) <= TARGET), steps[-1])


def _measure(
    trials: dict[str, Trials],
    ratios: dict[str, Float64],
    cards: dict[str, ModelCard],
    least: float,
    draws: int,
) -> Level:
    base = trials[SILHOUETTES]
    systems = {name: base.with_scores(found) for name, found in ratios.items()}
    single = {name: one for name, one in systems.items() if name in trials}
    better = max(single, key=lambda name: intervals(single[name], draws=10)["auc"].value)
    answers = {
        f"{name} by their card": _shares(
            base,
            [
                decide(score, windows, cards[name])
                for score, windows in zip(found.scores, found.windows, strict=True)
            ],
            draws,
        )
        for name, found in trials.items()
    }
    for name, found in ratios.items():
        said = [
            Decision.INCONCLUSIVE if np.isnan(ratio) else decide_joined(ratio, least)
            for ratio in found
        ]
        answers[name] = _shares(base, said, draws)
    return Level(base, compare_figures(systems, better, draws=draws), answers)


def _shares(trials: Trials, decisions: Sequence[Decision], draws: int) -> dict[str, Interval]:
    """Return wrong and undecided shares of all claims of a kind, with intervals over people."""
    wrong = wrong_verdicts(trials, decisions, draws)
    open_ = np.array([found is Decision.INCONCLUSIVE for found in decisions], np.float64)
    mated, other = bootstrap_means(trials, open_[:, None], draws=draws)
    return {
        "wrong non-mated": wrong["non-mated"],
        "wrong mated": wrong["mated"],
        "undecided non-mated": _interval(open_[~trials.mated], other),
        "undecided mated": _interval(open_[trials.mated], mated),
    }


def _interval(values: Float64, means: Float64) -> Interval:
    return Interval(float(values.mean()), *percentile_interval(means[:, 0]))


def _rates(shares: dict[str, Interval], what: str) -> AnswerRates:
    def rate(name: str) -> ErrorRate:
        found = shares[name]
        return ErrorRate(found.value, found.low, found.high)

    return AnswerRates(
        wrong_nonmated=rate("wrong non-mated"),
        wrong_mated=rate("wrong mated"),
        undecided_nonmated=rate("undecided non-mated"),
        undecided_mated=rate("undecided mated"),
        measured_on=(
            f"KTH Actions, {what}: ten people enrolled in one of four conditions and tried in the "
            "others, 60 to 80 pixels tall; neither model has seen them or their camera, and "
            "neither person of a claim was in the calibration"
        ),
    )
