"""How joints and silhouettes answer one claim together.

The threshold of a silhouette model does not travel: between cameras the similarity of strangers
moves further than genuine and false claims lie apart, and always upwards. So what silhouettes say
*for* a claim is worth little by itself, and what they say against it is worth something anywhere.
The joints decide, and a claim is accepted only if the silhouettes support it too, by a likelihood
ratio that was fitted on people and footage their model had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.errors import ModelError
from gaitproof.models import packaged_file
from gaitproof.nets.card import LogisticCalibration
from gaitproof.reading import FileKind, parse_model, read_model
from gaitproof.types import ErrorRate, JoinedEvidence, SignalEvidence
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
    found = {one.signal: one for one in evidence if one.similarity is not None}
    joints, masks = found.get(JOINTS), found.get(SILHOUETTES)
    # relative to reference footage a similarity is another one than what was calibrated
    relative = masks is not None and masks.references > 0
    if joints is None or masks is None or relative or not fits(weights, evidence):
        return None, tuple(evidence)
    assert joints.log10_lr is not None
    assert masks.similarity is not None
    counts = log10_likelihood_ratio(masks.similarity, weights.silhouettes.calibration)
    rates = weights.rates
    joined = JoinedEvidence(
        log10_lr=min(joints.log10_lr, max(counts, 0.0)),
        log10_lr_bound=weights.silhouettes.calibration.log10_lr_bound,
        accepts_from=weights.accepts_from,
        wrong_nonmated=rates.wrong_nonmated,
        wrong_mated=rates.wrong_mated,
        undecided_nonmated=rates.undecided_nonmated,
        undecided_mated=rates.undecided_mated,
        measured_on=rates.measured_on,
    )
    told = tuple(replace(one, counts=counts) if one is masks else one for one in evidence)
    return joined, told


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
