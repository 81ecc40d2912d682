"""How what joints and silhouettes say of one walk becomes one likelihood ratio.

Both speak of the same question, who walks, so log likelihood ratios add up where the two err
independently. But the ratio on a model's card was calibrated on footage like that of its training;
on other footage it claims too much. So each signal counts with a ratio of its own, fitted on people
*and* domains that its model had not seen, within the bound that so many people support. A slope
near 0 says that a signal does not travel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.errors import ModelError
from gaitproof.nets.card import LogisticCalibration
from gaitproof.reading import FileKind, parse_model, read_model
from gaitproof.types import ErrorRate, JoinedEvidence, SignalEvidence
from gaitproof.verify.calibration import log10_likelihood_ratio

SIGNALS_FILE: Final = "signals.json"
"""In the folder ``weights`` of `gaitproof.verify`."""

Signal = Literal["joints", "silhouettes"]

JOINTS: Final[Signal] = "joints"
SILHOUETTES: Final[Signal] = "silhouettes"

_FILE: Final = FileKind(
    "file of signal weights",
    ModelError,
    2**20,
    hint="make it with 'python -m experiments signals'",
    missing="make it with 'python -m experiments signals'",
)


class SignalWeight(Settings):
    """What a similarity of one signal is worth outside the domains of its model."""

    model_id: str = Field(min_length=1)
    """Whose similarities these are."""
    calibration: LogisticCalibration
    """Fitted on `domains`, each weighing the same."""
    domains: dict[str, int] = Field(min_length=1)
    """People by domain; the model has seen neither."""


class AnswerRates(Settings):
    """How often the joined answer is wrong or missing, on what nothing was fitted on."""

    wrong_nonmated: ErrorRate
    wrong_mated: ErrorRate
    undecided_nonmated: ErrorRate
    undecided_mated: ErrorRate
    measured_on: str = Field(min_length=1)
    """People, domains, and what was left out, in words."""


class AverageCard(Settings):
    """Where the average walkers of `gaitproof.verify.movement` come from."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    people: int = Field(ge=2)
    source: str = Field(min_length=1)


class SignalWeights(Settings):
    """Everything that joins the signals of two models, as it is shipped."""

    version: Literal["signals/1"] = "signals/1"
    signals: dict[Signal, SignalWeight]
    log10_lr_bound: float = Field(gt=0)
    """Of the sum."""
    decides_at: float = Field(gt=0)
    """Least magnitude of the sum that accepts or refuses a claim."""
    both: AnswerRates
    """With joints and silhouettes."""
    silhouettes: AnswerRates
    """With silhouettes alone."""
    figures: dict[str, float]
    """Measured figures by name."""
    average: AverageCard | None = None
    limits: str = Field(min_length=1)
    fitted_on: str
    """Date, ISO 8601."""

    @model_validator(mode="after")
    def _check_decides(self) -> SignalWeights:
        if SILHOUETTES not in self.signals:
            raise ValueError("there must be silhouettes")
        if self.decides_at > self.log10_lr_bound:
            raise ValueError("nothing could ever be decided")
        return self


def join_signals(
    weights: SignalWeights, evidence: Sequence[SignalEvidence]
) -> tuple[JoinedEvidence | None, tuple[SignalEvidence, ...]]:
    """Join what there is.

    Joints alone are not joined with anything: their own model decides. So it does where a signal
    was compared by a model that the weights do not know.

    Parameters
    ----------
    weights
        What was learnt.
    evidence
        Of every signal; those without a score do not count.

    Returns
    -------
    tuple
        The joined evidence, None if nothing is joined; and `evidence` with what each of it counts.
    """
    if not any(one.signal == SILHOUETTES for one in compared(evidence)) or not fits(
        weights, evidence
    ):
        return None, tuple(evidence)
    told = tuple(
        one if one.similarity is None else replace(one, counts=_counts(weights, one))
        for one in evidence
    )
    counted = {one.signal: one.counts for one in told if one.counts is not None}
    bound = weights.log10_lr_bound
    rates = weights.both if JOINTS in counted else weights.silhouettes
    joined = JoinedEvidence(
        signals=tuple(counted),
        log10_lr=max(-bound, min(bound, sum(counted.values()))),
        log10_lr_bound=bound,
        decides_at=weights.decides_at,
        wrong_nonmated=rates.wrong_nonmated,
        wrong_mated=rates.wrong_mated,
        undecided_nonmated=rates.undecided_nonmated,
        undecided_mated=rates.undecided_mated,
        measured_on=rates.measured_on,
    )
    return joined, told


def compared(evidence: Sequence[SignalEvidence]) -> list[SignalEvidence]:
    """Return the evidence of which there is a score."""
    return [one for one in evidence if one.similarity is not None]


def fits(weights: SignalWeights, evidence: Sequence[SignalEvidence]) -> bool:
    """Whether the weights were learnt from the models by which signals were compared."""
    known = {(str(name), weight.model_id) for name, weight in weights.signals.items()}
    return {(one.signal, one.model_id) for one in compared(evidence)} <= known


def describe(one: SignalEvidence) -> str:
    """Say in words what one signal says by itself, and what it counts."""
    if one.similarity is None or one.log10_lr is None:
        return f"not compared: {one.reason}"
    told = (
        f"similarity {one.similarity:.3f} (threshold by itself {one.threshold:.3f}), log10 "
        f"likelihood ratio {one.log10_lr:+.2f} on footage like that of its model"
    )
    if one.counts is not None:
        told += f", {one.counts:+.2f} on other footage, which is what counts"
    if one.rests_on is not None:
        share = round(100 * one.rests_on.movement_share)
        told += f"; the score rests {100 - share} % on build and clothing, {share} % on movement"
    return told


def _counts(weights: SignalWeights, one: SignalEvidence) -> float:
    assert one.similarity is not None
    (weight,) = (weight for name, weight in weights.signals.items() if name == one.signal)
    return log10_likelihood_ratio(one.similarity, weight.calibration)


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
    shipped = files("gaitproof.verify").joinpath("weights").joinpath(SIGNALS_FILE)
    if not shipped.is_file():
        return None
    return parse_model(shipped.read_bytes(), str(shipped), _FILE, SignalWeights)
