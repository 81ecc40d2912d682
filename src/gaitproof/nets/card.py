"""The model card: everything a user of the weights must know, as validated JSON."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from gaitproof.config import Settings
from gaitproof.types.layouts import GAIT_LAYOUT, LAYOUTS, Layout
from gaitproof.types.rates import ErrorRate, InconclusiveBand
from gaitproof.types.windows import WINDOW_FRAMES


class DataSource(Settings):
    """A data set behind the weights."""

    name: str
    subjects: int
    recordings: int
    licence: str
    citation: str
    domains: tuple[str, ...] = ()
    """``sensor/estimator/site`` of its footage."""


class CalibrationFigures(Settings):
    """How good the likelihood ratios are, each calibrated on other people than its own."""

    cllr: float = Field(ge=0)
    """Cost in bits."""
    min_cllr: float = Field(ge=0)
    """Cost that the best monotone map of the similarities leaves."""
    min_cllr_bounded: float | None = Field(default=None, ge=0)
    """The same of a table within the bound on likelihood ratios, fitted on the very trials."""
    ece: float = Field(ge=0, le=1)
    """Expected calibration error of the posterior at even prior odds."""


class _Calibration(Settings):
    log10_lr_bound: float = Field(gt=0)
    """Largest magnitude the calibration subjects support."""
    subjects: int
    mated_trials: int
    nonmated_trials: int
    held_out: CalibrationFigures | None = None
    """Cross-fitted by fold; None where there was one fold only."""


class DurationTerm(Settings):
    """What the length of the probe adds: ``(slope * similarity + intercept) * log10(windows)``."""

    slope: float
    intercept: float
    fewest: int = Field(ge=1)
    most: int = Field(ge=1)
    """Windows of the shortest and longest probe calibrated on; others count as the nearest."""


class LogisticCalibration(_Calibration):
    """Score to log10 likelihood ratio: ``slope * similarity + intercept``, then bounded.

    Fitted by logistic regression on held-out trials (prior-corrected), see EVALUATION.
    """

    method: Literal["logistic"] = "logistic"
    slope: float
    intercept: float
    duration: DurationTerm | None = None
    """Added before bounding, where probes of few windows are worth less than long ones."""

    @model_validator(mode="after")
    def _check_rising(self) -> LogisticCalibration:
        if self.duration is not None:
            if self.duration.fewest > self.duration.most:
                raise ValueError("the fewest windows must not exceed the most")
            for windows in (self.duration.fewest, self.duration.most):
                if self.slope + self.duration.slope * math.log10(windows) < 0:
                    raise ValueError("the likelihood ratio must not fall with the similarity")
        return self


class IsotonicCalibration(_Calibration):
    """Score to log10 likelihood ratio: a never-falling, piecewise linear table, then bounded.

    Fitted by pool-adjacent-violators on held-out trials (prior-corrected). Beyond its ends the
    table stays level.
    """

    method: Literal["isotonic"]
    similarities: tuple[float, ...] = Field(min_length=1, max_length=10_000)
    """Strictly increasing."""
    log10_lr: tuple[float, ...] = Field(min_length=1, max_length=10_000)
    """Never falling, one value per similarity."""

    @model_validator(mode="after")
    def _check_table(self) -> IsotonicCalibration:
        if len(self.similarities) != len(self.log10_lr):
            raise ValueError("similarities and log10_lr need equally many values")
        if not all(a < b for a, b in pairwise(self.similarities)):
            raise ValueError("similarities must increase")
        if not all(a <= b for a, b in pairwise(self.log10_lr)):
            raise ValueError("log10_lr must not fall")
        if max(map(abs, self.log10_lr)) > self.log10_lr_bound:
            raise ValueError("log10_lr must not exceed log10_lr_bound")
        return self


def _calibration_tag(value: Any) -> Any:
    # cards written before there was a choice name no method
    if isinstance(value, dict):
        return value.get("method", "logistic")
    return getattr(value, "method", None)


CalibrationCard = Annotated[
    Annotated[LogisticCalibration, Tag("logistic")]
    | Annotated[IsotonicCalibration, Tag("isotonic")],
    Discriminator(_calibration_tag),
]
"""Either calibration, told apart by `method`."""


NormalisationKind = Literal["none", "z", "t", "s"]
"""See `gaitproof.verify.normalisation`."""


class CohortCard(Settings):
    """The strangers that similarities are measured against, stored beside the weights."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the cohort file."""
    people: int = Field(ge=2)
    """Rows of the cohort, all of them training subjects."""
    top: int | None = Field(default=None, ge=2)
    """Only the so many most alike are used; None for all."""
    mixed: bool = False
    """Whether every row is a mixture of all subjects, so that none is anybody's."""


class DomainFigures(Settings):
    """What was measured on one domain that the calibration was not fitted on."""

    domain: str
    """Name of the domain."""
    people: int = Field(ge=0)
    references: int = Field(ge=0)
    """People that comparisons were relative to."""
    auc: ErrorRate
    """Area under the ROC curve, with its interval."""
    eer: ErrorRate
    cllr: float = Field(ge=0)
    wrong_authentic: ErrorRate
    """Share of impostor claims answered AUTHENTIC."""
    wrong_deepfake: ErrorRate
    """Share of genuine claims answered DEEPFAKE."""
    decided: float = Field(ge=0, le=1)
    """Share of claims that were decided, genuine and other claims weighing the same."""


class ViewFigures(Settings):
    """What was decided of claims seen at one angle from the only view enrolled."""

    degrees: int = Field(ge=0, le=180)
    """Between the two walking directions."""
    people: int = Field(ge=0)
    wrong_authentic: ErrorRate
    """Share of impostor claims answered AUTHENTIC."""
    wrong_deepfake: ErrorRate
    """Share of genuine claims answered DEEPFAKE."""
    decided_nonmated: float = Field(ge=0, le=1)
    """Share of impostor claims that were decided."""
    decided_mated: float = Field(ge=0, le=1)
    """Share of genuine claims that were decided."""


LONG_PROBE: Final = 5
"""Two-second windows, of 4 s in all, from which a probe counts as long."""


class ReferenceCalibration(Settings):
    """The calibration of comparisons relative to a number of people."""

    references: int = Field(ge=0)
    calibration: CalibrationCard
    long: CalibrationCard | None = None
    """For probes of `LONG_PROBE` windows or more; None where the other holds for them as well."""


class EvidenceCard(Settings):
    """What comparisons are worth on footage that the model was not made with."""

    by_references: tuple[ReferenceCalibration, ...] = Field(min_length=1)
    """From none upwards; between two numbers the lower one's holds."""
    least_references: int = Field(ge=0)
    """People that a decision needs as reference footage."""
    same_person: float = Field(default=0.999, ge=-1, le=1)
    """Cosine from which two recordings of one footage count as one person among its references
    (`gaitproof.verify.distinct`)."""
    scaled: bool = False
    """Whether similarities are in units of how much the references differ
    (`gaitproof.verify.scaled`)."""
    estimators: tuple[str, ...] = ()
    """What read the joints of the domains calibrated on; joints read by anything else support
    nothing (`gaitproof.types.support.NO_SUPPORT`). Empty: whatever reads them."""
    least_frame_rate: float = Field(default=0.0, ge=0)
    """Frames per second of the domains calibrated on, at least; of footage with fewer nothing is
    said."""
    figures: tuple[DomainFigures, ...] = ()
    """Every domain left out, with and without references."""
    views: tuple[ViewFigures, ...] = ()
    """By the angle between the view tried and the one enrolled, rising."""

    def at_view(self, degrees: float) -> ViewFigures | None:
        """Return the figures for the angle nearest to one, in degrees; None if none are known."""
        return min(self.views, key=lambda one: abs(one.degrees - degrees), default=None)

    def calibration(self, references: int, windows: int = 1) -> CalibrationCard:
        """Return what holds for a number of references, at least 0, and of windows of a probe."""
        fitting = [c for c in self.by_references if c.references <= references][-1]
        return (
            fitting.long
            if fitting.long is not None and windows >= LONG_PROBE
            else fitting.calibration
        )

    def threshold(self, references: int, windows: int = 1) -> float:
        """Return the least similarity with moderate support for a claim; 1 where there is none."""
        calibration = self.calibration(references, windows)
        if isinstance(calibration, LogisticCalibration):
            cosine = (1.0 - calibration.intercept) / max(calibration.slope, 1e-9)
            return min(max(cosine, 0.0), 1.0)
        pairs = zip(calibration.similarities, calibration.log10_lr, strict=True)
        return next((similarity for similarity, ratio in pairs if ratio >= 1.0), 1.0)

    def worst(self, references: int) -> tuple[ErrorRate, ErrorRate]:
        """Return the largest shares of wrong AUTHENTIC and of wrong DEEPFAKE of any domain.

        Of the figures for the number of references whose calibration holds; nothing known is
        everything possible.
        """
        counts = [
            entry.references for entry in self.by_references if entry.references <= references
        ]
        own = [figure for figure in self.figures if figure.references == counts[-1]]
        unknown = ErrorRate(1.0, 0.0, 1.0)
        return (
            max((f.wrong_authentic for f in own), key=lambda rate: rate.value, default=unknown),
            max((f.wrong_deepfake for f in own), key=lambda rate: rate.value, default=unknown),
        )

    @model_validator(mode="after")
    def _check_order(self) -> EvidenceCard:
        counts = [entry.references for entry in self.by_references]
        if counts[0] != 0 or not all(a < b for a, b in pairwise(counts)):
            raise ValueError("numbers of references must rise from 0")
        return self


class OperatingPoint(Settings):
    """The decision threshold and its error rates on held-out people."""

    threshold: float = Field(ge=0, le=1)
    """Similarity in [0, 1]."""
    chosen_by: str
    """How the threshold was chosen, e.g. ``EER on held-out people``."""
    fmr: ErrorRate
    fnmr: ErrorRate
    inconclusive: InconclusiveBand | None = None
    """Where nothing is decided; None decides every claim at the threshold."""

    @model_validator(mode="after")
    def _check_band(self) -> OperatingPoint:
        band = self.inconclusive
        if band is not None and not band.low <= self.threshold <= band.high:
            raise ValueError("the threshold must lie within the inconclusive band")
        return self


class ScoreHistogram(Settings):
    """How the similarities of held-out people's claims are distributed, for images.

    Counts of whole clips that got a score, by bins of similarity.
    """

    source: str
    """Whose claims they are."""
    edges: tuple[float, ...] = Field(min_length=2, max_length=1001)
    """Similarities between the bins, strictly increasing; one more than there are bins."""
    mated: tuple[Annotated[int, Field(ge=0)], ...]
    """Genuine claims per bin, the upper edge in the last bin only."""
    nonmated: tuple[Annotated[int, Field(ge=0)], ...]
    """Claims to be somebody else per bin."""

    @model_validator(mode="after")
    def _check_bins(self) -> ScoreHistogram:
        if not all(a < b for a, b in pairwise(self.edges)):
            raise ValueError("edges must increase")
        if not len(self.mated) == len(self.nonmated) == len(self.edges) - 1:
            raise ValueError("there must be one count per bin")
        return self


_KINDS: Final = {2: "two-dimensional", 3: "three-dimensional"}


class ModelCard(Settings):
    """Metadata that travels with the weights (stored as JSON beside the ONNX file)."""

    model_id: str
    """Name, version and the first 12 digits of the weights' SHA-256."""
    architecture: str
    embedding_size: int = Field(gt=0)
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    signal: Literal["joints", "silhouettes", "both"] = "joints"
    """What a window of the network holds: features of joints, masks, or both."""
    features: str = GAIT_LAYOUT.features
    alignment: Literal["camera", "heading", "human-oriented"] = "camera"
    """Whether windows are turned so that the walker faces one way before the network, or every
    frame so that the trunk is upright."""
    feature_groups: tuple[Literal["coordinates", "angles", "velocities"], ...] = Field(
        default=("coordinates", "angles", "velocities"), min_length=1
    )
    """Features the network was trained on; it sees 0 for the others."""
    frames: int = Field(default=WINDOW_FRAMES, ge=10, le=WINDOW_FRAMES)
    """Frames of the window the network sees, from its start."""
    least_frames: int = Field(default=WINDOW_FRAMES, ge=10, le=WINDOW_FRAMES)
    """Known frames of a window, at least; below 60 the network leaves out padding."""
    bones: Literal["own", "canonical"] = "own"
    """Whether every walker's bones are given canonical lengths before the network."""
    dimensions: Literal[2, 3] = 3
    """Of the walks the network was trained on; it has never seen the other kind."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    """z-score normaliser of the training subjects, one value per feature of networks on joints."""
    operating_point: OperatingPoint
    calibration: CalibrationCard
    scores: ScoreHistogram | None = None
    """What similarities the evaluation saw; None in cards that do not tell."""
    normalisation: NormalisationKind = "none"
    """How similarities are normalised before threshold and calibration."""
    cohort: CohortCard | None = None
    evidence: EvidenceCard | None = None
    """What comparisons are worth relative to reference footage; without it `calibration` and
    `operating_point` decide, as measured on people of the training data's own kind."""
    data: tuple[DataSource, ...]
    protocol: str
    figures: dict[str, float]
    """Measured figures by name, e.g. ``kinect_clip_eer``."""
    licence: str
    trained_on: str
    """Date, ISO 8601."""
    limits: str
    """What the weights must not be trusted with."""

    @property
    def layout(self) -> Layout:
        """The joints of the windows that the network reads."""
        named = (one for one in LAYOUTS.values() if one.features == self.features)
        return next(named, GAIT_LAYOUT)

    @property
    def padded(self) -> bool:
        """Whether windows may end in padding."""
        return self.least_frames < WINDOW_FRAMES

    def misfit(self, *, flat: bool) -> str:
        """Say why walks of one kind, two-dimensional (`flat`) or not, cannot be scored.

        Returns
        -------
        str
            Empty if they can.
        """
        if flat == (self.dimensions == 2):
            return ""
        return (
            f"The model {self.model_id} was trained on {_KINDS[self.dimensions]} walks, and this "
            f"one is {_KINDS[2 if flat else 3]}."
        )

    @model_validator(mode="after")
    def _check_normaliser(self) -> ModelCard:
        wanted = self.layout.n_features if self.signal == "joints" else 0
        if len(self.mean) != wanted or len(self.std) != wanted:
            raise ValueError(f"mean and std need {wanted} values each")
        if min(self.std, default=1.0) <= 0:
            raise ValueError("std must be positive")
        return self

    @model_validator(mode="after")
    def _check_cohort(self) -> ModelCard:
        if (self.normalisation == "none") != (self.cohort is None):
            raise ValueError("a normalisation needs a cohort, and a cohort a normalisation")
        return self
