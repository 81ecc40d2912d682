"""Similarities of claims by domain, and calibrations fitted on several domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.frozen import evaluate_model, load_data
from gaitproof.nets.card import LogisticCalibration
from gaitproof.verify.calibration import balanced_logistic, supported_bound

if TYPE_CHECKING:
    from gaitproof.evaluate.trials import Trials
    from gaitproof.nets.card import ModelCard
    from gaitproof.nets.encoder import Encoder

_LN10: Final = float(np.log(10.0))

_RIDGE: Final = 1e-4
"""As `gaitproof.verify.calibration.fit_calibration`: keeps the slope finite."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Claims of one domain that have a score.

    Parameters
    ----------
    name
        Of the domain.
    people
        How many are behind the claims.
    unseen
        Whether the model was not trained on this domain; its people it has never seen.
    scores, mated, weights
        Shape (N,): similarity, whether the claim is genuine, how often it counts.
    probe, claimed
        Shape (N,), who walks and who is claimed; empty where nobody is named.
    """

    name: str
    people: int
    unseen: bool
    scores: NDArray[np.float64]
    mated: NDArray[np.bool_]
    weights: NDArray[np.float64]
    probe: NDArray[np.str_]
    claimed: NDArray[np.str_]

    @classmethod
    def of_card(cls, card: ModelCard) -> Domain:
        """Return the claims of the people held out when the model was made, as its card has them.

        Raises
        ------
        InputError
            If the card does not tell how the scores are distributed.
        """
        scores = card.scores
        if scores is None:
            raise InputError(f"The card of {card.model_id} holds no scores of held-out people.")
        middles = (np.array(scores.edges[1:]) + np.array(scores.edges[:-1])) / 2
        counts = np.concatenate([scores.mated, scores.nonmated]).astype(np.float64)
        kept = counts > 0
        nobody = np.zeros(0, np.str_)
        return cls(
            name=f"held out when {card.model_id} was made",
            people=card.calibration.subjects,
            unseen=False,
            scores=np.tile(middles, 2)[kept],
            mated=np.repeat([True, False], len(middles))[kept],
            weights=counts[kept],
            probe=nobody,
            claimed=nobody,
        )

    @classmethod
    def of_trials(cls, name: str, *levels: Trials) -> Domain:
        """Return claims of a domain that the model was not trained on; levels weigh the same."""
        parts = [trials.select(np.isfinite(trials.scores)) for trials in levels]
        return cls(
            name=name,
            people=len({person for part in parts for person in part.subjects}),
            unseen=True,
            scores=np.concatenate([part.scores for part in parts]),
            mated=np.concatenate([part.mated for part in parts]),
            weights=np.concatenate([np.full(len(part), 1 / len(part)) for part in parts]),
            probe=np.concatenate([part.probe for part in parts]),
            claimed=np.concatenate([part.claimed for part in parts]),
        )

    def without(self, people: Sequence[str]) -> Domain:
        """Return the claims that none of some people has a part in."""
        kept = ~(np.isin(self.probe, people) | np.isin(self.claimed, people))
        arrays: Mapping[str, Any] = {
            name: getattr(self, name)[kept]
            for name in ("scores", "mated", "weights", "probe", "claimed")
        }
        return Domain(self.name, self.people - len(people), self.unseen, **arrays)

    @property
    def balanced(self) -> NDArray[np.float64]:
        """Shape (N,): weights that sum to a half for either kind of claim."""
        out = np.zeros(len(self.weights))
        for kind in (True, False):
            own = self.mated == kind
            out[own] = 0.5 * self.weights[own] / self.weights[own].sum()
        return out

    def describe(self) -> dict[str, float]:
        """Return people, claims, AUC, and the similarity where neither side is favoured."""
        card = fit([self])
        return {
            "people": self.people,
            "mated": int(self.mated.sum()),
            "non-mated": int((~self.mated).sum()),
            "auc": _auc(self.scores, self.mated, self.balanced),
            "crossing": -card.intercept / card.slope if card.slope else float("nan"),
        }


def _auc(
    scores: NDArray[np.float64], mated: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    levels, bins = np.unique(scores, return_inverse=True)
    genuine, other = (
        2 * np.bincount(bins[own], weights=weights[own], minlength=len(levels))
        for own in (mated, ~mated)
    )
    return float(genuine @ (np.cumsum(other) - other / 2))


def of_walks(encoder: Encoder, path: Path) -> Domain:
    """Score everybody of an archive of joints against everybody, whole recordings as probes."""
    result = evaluate_model(encoder, load_data(path), draws=10)
    return Domain.of_trials(path.stem, result.system["clip"].trials)


def fit(domains: Sequence[Domain]) -> LogisticCalibration:
    """Fit one calibration on several domains, each weighing the same.

    The bound is what the people of the unseen domains support; where a threshold does not travel,
    the domains overlap and the slope is small by itself.
    """
    scores = np.concatenate([domain.scores for domain in domains])
    mated = np.concatenate([domain.mated for domain in domains])
    weights = np.concatenate([domain.balanced / len(domains) for domain in domains])
    (slope,), offset = balanced_logistic(scores[:, None], mated, _RIDGE, weights)
    if slope <= 0:
        slope = offset = 0.0
    unseen = sum(domain.people for domain in domains if domain.unseen)
    return LogisticCalibration(
        slope=slope / _LN10,
        intercept=offset / _LN10,
        log10_lr_bound=supported_bound(unseen or sum(domain.people for domain in domains)),
        subjects=sum(domain.people for domain in domains),
        mated_trials=int(mated.sum()),
        nonmated_trials=int((~mated).sum()),
    )
