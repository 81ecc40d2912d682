"""What joints and silhouettes are worth together on people and footage their models have not seen.

Silhouettes are calibrated on KTH Actions, which has both signals of the same people (ten, 60 to 80
pixels tall, so the gates' limits on size are lifted); joints on that and on two archives without
masks. Three ways to join them are tried: the sum of the two log likelihood ratios, a logistic
regression of both, and what is shipped: the joints decide by their card, and a claim is accepted
only if the silhouettes support it. Figures are those of KTH, with neither person of a claim in the
calibrations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.kth.claims import decide, shares, wrong_verdicts
from experiments.shared import Progress, no_progress
from experiments.signals.domains import Domain, fit, of_walks
from experiments.signals.kth import LEVELS, Claims, read_kth
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Interval,
    measure_figures,
)
from gaitproof.evaluate.comparison import Comparison, compare_figures
from gaitproof.evaluate.trials import Trials
from gaitproof.types import Decision, ErrorRate
from gaitproof.verify.calibration import balanced_logistic, log10_likelihood_ratios
from gaitproof.verify.signals import JOINTS, SILHOUETTES, AnswerRates, SignalWeight, SignalWeights

if TYPE_CHECKING:
    from gaitproof.nets.card import LogisticCalibration, ModelCard
    from gaitproof.nets.encoder import Encoder, WindowEncoder

Float64 = NDArray[np.float64]

TARGET: Final = 0.05
"""Largest share of wrong answers among the claims of a kind that is aimed at."""

STEPS: Final = tuple(round(0.3 + 0.05 * i, 2) for i in range(15))
"""Support that may be asked for; the least of ENFSI's scale is log10 2 = 0.30."""

WALKS: Final = ("gaitvalidation.npz", "cmu_walk.npz")
"""Joints of other sensors; no masks."""

SHIPPED: Final = "joined: accepted only with silhouettes"
SUM: Final = "joined: sum of both"
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
                        system: {kind: vars(rates) for kind, rates in shares.items()}
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
        Called with the share of KTH's clips done, 0 to 1.
    walks
        Archives of joints that the encoder was not trained on.
    read
        Reads KTH; replaced in tests.
    """
    claims = read(data / "kth", encoder, masks, cache=cache, draws=draws, progress=progress)
    trials: dict[str, dict[str, Trials]] = {
        JOINTS: {level: measured.joints.trials for level, measured in claims.items()},
        SILHOUETTES: {level: measured.silhouettes.trials for level, measured in claims.items()},
    }
    domains: dict[str, list[Domain]] = {
        JOINTS: [of_walks(encoder, data / name) for name in walks],
        SILHOUETTES: [],
    }
    for signal, measured in domains.items():
        measured.append(Domain.of_trials("KTH", *trials[signal].values()))
    calibrations = {signal: fit(measured) for signal, measured in domains.items()}
    bound = min(one.log10_lr_bound for one in calibrations.values())
    ratios: dict[str, dict[str, Float64]] = {}
    for level in LEVELS:
        single = {
            signal: _left_out(domains[signal], trials[signal][level], calibrations[signal])
            for signal in domains
        }
        learnt = _learnt(single, trials[SILHOUETTES][level], bound)
        ratios[level] = {**single, SUM: join(single, bound), LEARNT: learnt}
    cards: dict[str, ModelCard] = {JOINTS: encoder.card, SILHOUETTES: masks.card}
    said = {
        level: {signal: _by_card(trials[signal][level], cards[signal]) for signal in trials}
        for level in LEVELS
    }
    least = _accepts_from([(trials[SILHOUETTES][v], said[v], ratios[v]) for v in LEVELS])
    levels = {}
    for level in LEVELS:
        base = trials[SILHOUETTES][level]
        own = log10_likelihood_ratios(
            trials[JOINTS][level].scores,
            encoder.card.calibration,
            np.maximum(trials[JOINTS][level].windows, 1),
        )
        supported = np.where(
            np.isnan(ratios[level][SILHOUETTES]), np.inf, ratios[level][SILHOUETTES]
        )
        systems = {**ratios[level], SHIPPED: np.minimum(own, np.maximum(supported, 0))}
        answers = {
            **{f"{signal} by their card": measured for signal, measured in said[level].items()},
            SHIPPED: _with_support(said[level][JOINTS], ratios[level][SILHOUETTES], least),
        }
        levels[level] = _measure(base, systems, answers, draws)
    weights = SignalWeights(
        joints_model=encoder.card.model_id,
        silhouettes=SignalWeight(
            model_id=masks.card.model_id,
            calibration=calibrations[SILHOUETTES],
            domains={domain.name: domain.people for domain in domains[SILHOUETTES]},
        ),
        accepts_from=least,
        rates=_rates(levels["clip"].answers[SHIPPED], encoder.card.model_id),
        figures={
            f"kth/{level}/{row.name}/{one.figure}": round(row.value, 5)
            for level, measured in levels.items()
            for one in measured.comparison
            for row in one.rows
        },
        limits=(
            "Measured on one domain that the silhouette model had not seen, whose people are "
            "smaller than what the gates let through. On others, as on rendered walkers, strangers "
            "are more alike, and the silhouettes support everybody: the joints decide alone there."
        ),
        fitted_on=datetime.now(tz=UTC).date().isoformat(),
    )
    return SignalsResult(
        weights,
        levels,
        {
            signal: {d.name: d.describe() for d in (*measured, Domain.of_card(cards[signal]))}
            for signal, measured in domains.items()
        },
    )


def join(ratios: dict[str, Float64], bound: float) -> Float64:
    """Add the ratios up as the verdict does: silhouettes are needed, joints are not."""
    total = ratios[SILHOUETTES] + np.nan_to_num(ratios[JOINTS])
    return np.clip(total, -bound, bound)


def _pairs(trials: Trials) -> list[tuple[NDArray[np.bool_], list[str]]]:
    """Return the claims of every two people (or of one), and who they are."""
    keys = np.array([sorted(pair) for pair in zip(trials.probe, trials.claimed, strict=True)])
    pairs = np.unique(keys, axis=0)
    return [((keys == pair).all(axis=1), sorted({*pair.tolist()})) for pair in pairs]


def _left_out(domains: Sequence[Domain], trials: Trials, card: LogisticCalibration) -> Float64:
    """Calibrate the claims of the last domain without the two people of each, within a bound."""
    *others, last = domains
    out = np.full(len(trials), np.nan)
    bound = {"log10_lr_bound": card.log10_lr_bound}
    for own, people in _pairs(trials):
        combination = fit([*others, last.without(people)]).model_copy(update=bound)
        out[own] = log10_likelihood_ratios(trials.scores[own], combination)
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


def _by_card(trials: Trials, card: ModelCard) -> list[Decision]:
    """Return what the signal alone answers, by threshold and calibration of its card."""
    return [
        decide(score, windows, card)
        for score, windows in zip(trials.scores, trials.windows, strict=True)
    ]


def _with_support(joints: Sequence[Decision], support: Float64, least: float) -> list[Decision]:
    """Leave undecided what the joints accept and silhouettes, where compared, do not support."""
    return [
        Decision.INCONCLUSIVE if one is Decision.AUTHENTIC and ratio < least else one
        for one, ratio in zip(joints, support, strict=True)
    ]


def _accepts_from(
    levels: Sequence[tuple[Trials, dict[str, list[Decision]], dict[str, Float64]]],
) -> float:
    """Find the least support that keeps wrong acceptances within the target at every level."""

    def worst(least: float) -> float:
        shares = []
        for trials, said, ratios in levels:
            accepts = _with_support(said[JOINTS], ratios[SILHOUETTES], least)
            accepted = np.array([one is Decision.AUTHENTIC for one in accepts])
            shares.append(float(accepted[~trials.mated].mean()))
        return max(shares)

    return next((step for step in STEPS if worst(step) <= TARGET), STEPS[-1])


def _measure(
    base: Trials, ratios: dict[str, Float64], answers: dict[str, list[Decision]], draws: int
) -> Level:
    systems = {name: base.with_scores(values) for name, values in ratios.items()}
    single = [JOINTS, SILHOUETTES]
    better = max(single, key=lambda name: measure_figures(systems[name])["auc"])
    return Level(
        base,
        compare_figures(systems, better, draws=draws),
        {name: _shares(base, said, draws) for name, said in answers.items()},
    )


def _shares(trials: Trials, decisions: Sequence[Decision], draws: int) -> dict[str, Interval]:
    """Return wrong and undecided shares of all claims of a kind, with intervals over people."""
    wrong = wrong_verdicts(trials, decisions, draws)
    undecided = np.array([decision is Decision.INCONCLUSIVE for decision in decisions])
    open_ = shares(trials, undecided, draws)
    return {
        "wrong non-mated": wrong["non-mated"],
        "wrong mated": wrong["mated"],
        "undecided non-mated": open_["non-mated"],
        "undecided mated": open_["mated"],
    }


def _rates(shares: dict[str, Interval], joints_model: str) -> AnswerRates:
    def rate(name: str) -> ErrorRate:
        counts = shares[name]
        return ErrorRate(counts.value, counts.low, counts.high)

    return AnswerRates(
        wrong_nonmated=rate("wrong non-mated"),
        wrong_mated=rate("wrong mated"),
        undecided_nonmated=rate("undecided non-mated"),
        undecided_mated=rate("undecided mated"),
        measured_on=(
            f"KTH Actions with joints by {joints_model}: ten people enrolled in one of four "
            "conditions and tried in the others, 60 to 80 pixels tall; neither model has seen them "
            "or their camera, neither person of a claim was in the calibration, and the support "
            "asked for was chosen on them"
        ),
    )
