"""How joints and silhouettes answer one claim together.

Relative to reference footage both are calibrated on footage that their models have not seen, and
either decides with moderate support unless the other supports the opposite (`settle`).

Without it, the threshold of a silhouette model does not travel: between cameras the similarity of
strangers moves further than genuine and false claims lie apart, and always upwards. So what
silhouettes say *for* a claim is worth little by itself, and what they say against it is worth
something anywhere. The joints decide, and a claim is accepted only if the silhouettes support it
too, by a likelihood ratio that was fitted on people and footage their model had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.errors import ModelError
from gaitproof.models import packaged_file
from gaitproof.nets.card import LogisticCalibration
from gaitproof.reading import FileKind, parse_model, read_model
from gaitproof.types import ErrorRate, JoinedEvidence, SignalEvidence, ViewRates
from gaitproof.types.support import MODERATE
from gaitproof.verify.calibration import log10_likelihood_ratio

SIGNALS_FILE: Final = "signals.json"
"""In the folder ``weights`` of `gaitproof.verify`."""

JOINTS: Final = "joints"
SILHOUETTES: Final = "silhouettes"

_FILE: Final = FileKind(
    "file of signal weights",
    ModelError,
    2**20,
    hint="make it with 'python -m experiments signals'",
    missing="make it with 'python -m experiments signals'",
)


class SignalWeight(Settings):
    """What a similarity of the silhouettes is worth outside the footage of their model."""

    model_id: str = Field(min_length=1)
    """Whose similarities these are."""
    calibration: LogisticCalibration
    domains: dict[str, int] = Field(min_length=1)
    """People it was fitted on by domain; the model has seen neither."""


class AnswerRates(Settings):
    """How often the joined answer is wrong or missing, on footage neither model had seen."""

    wrong_nonmated: ErrorRate
    wrong_mated: ErrorRate
    undecided_nonmated: ErrorRate
    undecided_mated: ErrorRate
    measured_on: str = Field(min_length=1)
    """People, domains, and what was left out, in words."""


class RelativeRates(AnswerRates):
    """The same where both signals are compared relative to reference footage; see `settle`."""

    references: int = Field(ge=1)
    """People that comparisons were relative to."""


class KnownFootage(Settings):
    """How both signals add up on footage of a kind that both are known on, without references."""

    footage: str = Field(min_length=1)
    """Which kind of footage, in words."""
    silhouettes_model: str = Field(min_length=1)
    intercept: float
    joints: float = Field(ge=0)
    """Per unit of the joints' log10 likelihood ratio."""
    silhouettes: float = Field(ge=0)
    """Per unit of the silhouettes' similarity."""
    log10_lr_bound: float = Field(gt=0)
    rates: AnswerRates

    def log10_lr(self, joints: float, silhouettes: float) -> float:
        """Return what a log10 likelihood ratio and a similarity say together."""
        total = self.intercept + self.joints * joints + self.silhouettes * silhouettes
        return min(max(total, -self.log10_lr_bound), self.log10_lr_bound)


class AverageCard(Settings):
    """Where the average walkers of `gaitproof.verify.movement` come from."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    people: int = Field(ge=2)
    source: str = Field(min_length=1)


class SignalWeights(Settings):
    """How the signals of two models answer together, as it is shipped."""

    version: Literal["signals/1"] = "signals/1"
    joints_model: str = Field(min_length=1)
    """The error rates were measured with it."""
    silhouettes: SignalWeight
    accepts_from: float = Field(ge=0)
    """Least log10 likelihood ratio of the silhouettes with which a claim is accepted."""
    rates: AnswerRates
    relative: RelativeRates | None = None
    """None where it was not measured: then joints decide alone relative to references."""
    known: KnownFootage | None = None
    """Only for footage of that kind; None for any footage."""
    figures: dict[str, float]
    """Measured figures by name."""
    average: AverageCard | None = None
    limits: str = Field(min_length=1)
    fitted_on: str
    """Date, ISO 8601."""

    @model_validator(mode="after")
    def _check_accepts(self) -> SignalWeights:
        if self.accepts_from > self.silhouettes.calibration.log10_lr_bound:
            raise ValueError("no claim could ever be accepted")
        return self


def join_signals(
    weights: SignalWeights, evidence: Sequence[SignalEvidence]
) -> tuple[JoinedEvidence | None, tuple[SignalEvidence, ...]]:
    """Join joints and silhouettes.

    Parameters
    ----------
    weights
        What was learnt.
    evidence
        Of every signal.

    Returns
    -------
    tuple
        The joined evidence, and `evidence` with what the silhouettes count; None and `evidence` as
        it is where one of the two was not compared, or silhouettes not by the model of the weights.
    """
    by_signal = {one.signal: one for one in evidence if one.similarity is not None}
    joints, masks = by_signal.get(JOINTS), by_signal.get(SILHOUETTES)
    if joints is None or masks is None or not fits(weights, evidence):
        return None, tuple(evidence)
    assert joints.log10_lr is not None
    assert masks.similarity is not None
    assert masks.log10_lr is not None
    rates: AnswerRates = weights.rates
    counts: float | None
    known = ""
    if masks.references:
        # relative to reference footage a similarity is another one than without it
        if weights.relative is None or not (joints.supported and masks.supported):
            return None, tuple(evidence)
        rates, counts, accepts_from = weights.relative, masks.log10_lr, MODERATE
        total = float(settle(joints.log10_lr, counts))
        bound = masks.log10_lr_bound if total == counts else joints.log10_lr_bound
    elif weights.known is not None and weights.known.silhouettes_model == masks.model_id:
        known, rates, accepts_from = weights.known.footage, weights.known.rates, MODERATE
        bound = weights.known.log10_lr_bound
        counts = None  # what each says by itself is not what it counts in the sum
        total = weights.known.log10_lr(joints.log10_lr, masks.similarity)
    else:
        counts = log10_likelihood_ratio(masks.similarity, weights.silhouettes.calibration)
        accepts_from = weights.accepts_from
        bound = weights.silhouettes.calibration.log10_lr_bound
        total = min(joints.log10_lr, max(counts, 0.0))
    joined = JoinedEvidence(
        log10_lr=total,
        log10_lr_bound=bound,
        accepts_from=accepts_from,
        wrong_nonmated=rates.wrong_nonmated,
        wrong_mated=rates.wrong_mated,
        undecided_nonmated=rates.undecided_nonmated,
        undecided_mated=rates.undecided_mated,
        measured_on=rates.measured_on,
        relative=rates is weights.relative,
        known=known,
    )
    counted = tuple(replace(one, counts=counts) if one is masks else one for one in evidence)
    return joined, counted


def settle(joints: ArrayLike, silhouettes: ArrayLike) -> NDArray[np.float64]:
    """Return what both signals say, each calibrated on footage its model has not seen.

    The ratio of the silhouettes; that of the joints where only they have moderate support, or only
    they were compared; 0 where both have and contradict each other. They are not added up: they
    come from one walk, and where joints carry nothing their sum is worse than silhouettes alone.

    Parameters
    ----------
    joints, silhouettes
        log10 likelihood ratios, of shapes that broadcast; NaN where there is none.
    """
    j, s = np.broadcast_arrays(np.asarray(joints, float), np.asarray(silhouettes, float))
    speak_j, speak_s = np.abs(j) >= MODERATE, np.abs(s) >= MODERATE
    settled = np.where((speak_j & ~speak_s) | np.isnan(s), j, s)
    return np.where(speak_j & speak_s & (j * s < 0), 0.0, settled)


def compared(evidence: Sequence[SignalEvidence]) -> list[SignalEvidence]:
    """Return the evidence of which there is a score."""
    return [one for one in evidence if one.similarity is not None]


def fits(weights: SignalWeights, evidence: Sequence[SignalEvidence]) -> bool:
    """Whether silhouettes were compared by the model whose support was measured.

    Support is asked for whatever model reads the joints; the error rates are those of
    `SignalWeights.joints_model`.
    """
    (model_id,) = {one.model_id for one in compared(evidence) if one.signal == SILHOUETTES}
    return model_id == weights.silhouettes.model_id


def describe(one: SignalEvidence) -> str:
    """Say in words what one signal says by itself, and what it counts."""
    if one.similarity is None or one.log10_lr is None:
        return f"not compared: {one.reason}"
    parts = (
        f"similarity {one.similarity:.3f} (threshold by itself {one.threshold:.3f}), log10 "
        f"likelihood ratio {one.log10_lr:+.2f}"
    )
    if one.references:
        parts += f" relative to {one.references} other people"
    elif one.counts is not None:
        parts += (
            f" on footage like that of its model, {one.counts:+.2f} on other footage, which is "
            "what counts"
        )
    else:
        parts += " on footage like that of its model"
    if one.rests_on is not None:
        share = round(100 * one.rests_on.movement_share)
        parts += f"; the score rests {100 - share} % on build and clothing, {share} % on movement"
    return parts if one.at_view is None else f"{parts}; {_describe_view(one.at_view)}"


def _describe_view(view: ViewRates) -> str:
    wrong, refused = 100 * view.wrong_nonmated.value, 100 * view.wrong_mated.value
    return (
        f"seen {view.apart:.0f} degrees from the nearest enrolled view, where (measured at "
        f"{view.degrees}) {wrong:.1f} % of impostors are accepted, {refused:.1f} % of genuine "
        f"claims refused, and {100 * view.decided_mated:.0f} and {100 * view.decided_nonmated:.0f} "
        "% of genuine and other claims decided"
    )


def load_signal_weights(path: str | Path | None = None) -> SignalWeights | None:
    """Read the weights.

    Parameters
    ----------
    path
        The file; None for the one inside the package.

    Returns
    -------
    SignalWeights or None
        None if the package holds none.

    Raises
    ------
    ModelError
        If a file cannot be read, or is malformed.
    """
    if path is not None:
        return read_model(Path(path), _FILE, SignalWeights)
    shipped = packaged_file("gaitproof.verify", SIGNALS_FILE)
    return None if shipped is None else parse_model(*shipped, _FILE, SignalWeights)
