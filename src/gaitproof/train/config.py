"""Settings of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from gaitproof.config import Settings
from gaitproof.errors import InputError
from gaitproof.nets.card import NormalisationKind
from gaitproof.nets.options import NetworkSettings
from gaitproof.types import Domain
from gaitproof.types.windows import WINDOW_FRAMES


class AugmentSettings(Settings):
    """Random changes to the 3-D joints of a training window.

    Lengths are in parts of the walker's torso.
    """

    yaw: float = Field(default=180.0, ge=0, le=180)
    """Turn about the vertical, ± degrees."""
    tilt: float = Field(default=8.0, ge=0, le=45)
    """Camera pitch and roll, ± degrees."""
    depth: float = Field(default=0.15, ge=0, lt=1)
    """Stretch along the viewing axis, ± parts: monocular depth is the weakest coordinate."""
    white_noise: float = Field(default=0.01, ge=0)
    """Independent joint noise per frame, standard deviation."""
    bias_noise: float = Field(default=0.02, ge=0)
    """Constant offset per joint and window, standard deviation."""
    smooth_noise: float = Field(default=0.015, ge=0)
    """Slow joint noise (0.5 to 3 Hz), standard deviation."""
    heel_dropout: float = Field(default=0.5, ge=0, le=1)
    """Probability that a window is shown without heels, as some sensors have none."""
    joint_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability of every joint but hips and shoulders to be missing from a window."""
    tempo: float = Field(default=0.0, ge=0, lt=0.5)
    """Faster or slower walk, ± parts: people do not walk at one speed for ever."""
    estimator_error: bool = False
    """Show windows with the error that the default pose estimator was measured to make (see
    `gaitproof.train.estimator_error`), from views it was measured at, in place of `yaw`."""
    mirror: bool = True
    """Also train on mirrored walkers, as people of their own."""
    shorten: float = Field(default=0.0, ge=0, le=1)
    """Probability that a window is cut short, to any length from the recipe's `least_frames`."""
    style: float = Field(default=0.0, ge=0, le=1)
    """Probability that level and spread of a window's features are mixed with another window's, so
    that they tell less of the sensor (`gaitproof.train.encoder`)."""


class OriginSettings(Settings):
    """A data set to train on, with what its card must say."""

    path: Path
    """Archive (.npz), manifest (.csv) or store of faces; relative to the working folder."""
    name: str
    licence: str
    citation: str
    domain: str = ""
    """``sensor/estimator/site`` of its footage (`gaitproof.types.Domain`), where the file does not
    say it; empty for what it says."""

    @field_validator("domain")
    @classmethod
    def _is_domain(cls, value: str) -> str:
        try:
            return str(Domain.parse(value)) if value else value
        except InputError as error:
            raise ValueError(str(error)) from error


class SourceSettings(OriginSettings):
    """A data set of walks."""

    frame_rate: float | None = Field(default=None, gt=0, le=10_000)
    """Frames per second, for files that state none: key-point tables and pickles, for which None
    means 25, and AMC motions (120). Formats that state their rate refuse it."""


class LossSettings(Settings):
    """Weights of the losses, which are added, and their constants; a weight of 0 leaves one out."""

    supervised_contrastive: float = Field(default=1.0, ge=0)
    pair: float = Field(default=0.3, ge=0)
    """Cross-entropy of the learned pair head on equally many same and different pairs."""
    triplet: float = Field(default=0.0, ge=0)
    contrastive: float = Field(default=0.0, ge=0)
    arcface: float = Field(default=0.0, ge=0)
    temperature: float = Field(default=0.1, gt=0)
    """Of the supervised contrastive loss."""
    triplet_margin: float = Field(default=1.0, gt=0)
    """In Euclidean distance of unit embeddings (design)."""
    contrastive_margin: float = Field(default=2.0, gt=0)
    """Likewise (design)."""
    arcface_scale: float = Field(default=30.0, gt=0)
    arcface_margin: float = Field(default=0.5, ge=0, lt=1.5)
    """Radians (Deng et al., CVPR 2019)."""

    @model_validator(mode="after")
    def _some_loss(self) -> LossSettings:
        weights = (
            self.supervised_contrastive,
            self.pair,
            self.triplet,
            self.contrastive,
            self.arcface,
        )
        if not any(weights):
            raise ValueError("every loss has the weight 0: there is nothing to learn from")
        return self


class ScheduleSettings(Settings):
    """How the learning rate changes."""

    name: Literal["one-cycle", "plateau", "step", "constant"] = "one-cycle"
    """``plateau`` needs validation subjects."""
    rise: float = Field(default=0.3, gt=0, lt=1)
    """Share of the run in which the rate of ``one-cycle`` rises."""
    factor: float = Field(default=0.5, gt=0, lt=1)
    """By which ``plateau`` (gait seed, paper) and ``step`` lower the rate."""
    stages: int = Field(default=5, ge=2)
    """Equal parts of the run, between which ``step`` lowers the rate."""
    patience: int = Field(default=7, ge=1)
    """Validations without progress before ``plateau`` lowers the rate (gait seed, paper)."""


class StopSettings(Settings):
    """Early stopping on people who are neither trained on nor tested on."""

    patience: int = Field(default=20, ge=1)
    """Validations without progress before training stops (gait seed, paper)."""
    min_delta: float = Field(default=0.001, ge=0)
    """Least fall of the validation loss that counts as progress (gait seed, paper)."""


class ValidationSettings(StopSettings):
    """Who is set aside for early stopping, and how often they are looked at."""

    share: float = Field(default=0.0, ge=0, le=0.5)
    """Share of the training subjects set aside; 0 trains for all steps on everybody."""
    every: int = Field(default=50, ge=1)
    """Steps between validations."""


class RunSettings(Settings):
    """What every training has in common."""

    learning_rate: float = Field(default=1e-3, gt=0)
    schedule: ScheduleSettings = ScheduleSettings()
    validation: StopSettings = StopSettings()
    weight_decay: float = Field(default=1e-4, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    precision: Literal["32", "bf16-mixed", "16-mixed"] = "bf16-mixed"
    """Lightning's name of the arithmetic."""
    seed: int = Field(default=0, ge=0)


class OperatingPointSettings(Settings):
    """How threshold, inconclusive band and calibration are set on held-out people."""

    method: Literal["eer", "youden", "fmr"] = "eer"
    """Threshold at the equal error rate, at the largest Youden's J, or at `target_fmr`."""
    target_fmr: float | None = Field(default=None, gt=0, lt=1)
    """For ``fmr``; not below what the number of people supports."""
    wrong_answers: float | None = Field(default=0.05, gt=0, lt=0.5)
    """Largest share of wrong answers among genuine and among other claims; what it takes is left
    INCONCLUSIVE. None decides every claim."""
    calibration: Literal["auto", "logistic", "duration", "isotonic"] = "auto"
    """``auto``: the method with the lowest cost (Cllr) on held-out people."""

    @model_validator(mode="after")
    def _target(self) -> OperatingPointSettings:
        if (self.method == "fmr") != (self.target_fmr is not None):
            raise ValueError("target_fmr goes with the method 'fmr', and only with it")
        return self


class NormalisationSettings(Settings):
    """Whether similarities are measured against the training people."""

    kind: NormalisationKind = "none"
    """``z``: against each template's scores with them, ``t``: the probe's, ``s``: both."""
    top: int | None = Field(default=None, ge=2)
    """Only the so many most alike (adaptive); None for all."""


class DiscriminantSettings(Settings):
    """Closed-form fit of the architectures ``discriminant`` and ``blend``."""

    hop: int = Field(default=10, ge=1)
    """Frames between the training windows of a walk."""
    shrinkage: float = Field(default=0.003, gt=0, le=1)
    """Share of the spread within people that is taken as equal in all directions."""
    copies: int = Field(default=3, ge=1, le=20)
    """Of every window with ``augment.estimator_error``, beside the window itself."""
    offsets: float | None = Field(default=None, ge=0)
    """Weight of the offsets between data sets within the spread within people; None: the number of
    data sets."""


class AdaptWays(Settings):
    """Adaptation to footage without labels, as of another sensor."""

    discrepancy: float = Field(default=0.0, ge=0)
    """Weight of the maximum mean discrepancy between embeddings of training and target footage."""
    adversary: float = Field(default=0.0, ge=0)
    """Weight of the reversed gradient of a classifier of embeddings into training and target."""
    norms: bool = False
    """Measure batch norm anew on target footage after the training (test-time batch norm)."""

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do with targets."""
        return self.learnt or self.norms

    @property
    def learnt(self) -> bool:
        """Whether embeddings learn from targets."""
        return bool(self.discrepancy or self.adversary)


class AdaptSettings(AdaptWays):
    """Adaptation of gait."""

    targets: tuple[SourceSettings, ...] = ()
    """Data sets whose walkers are not read. Left out with ``--protocol leave-domain-out``, which
    takes the domain left out."""


FeatureGroup = Literal["coordinates", "angles", "velocities"]


NOT_LEARNT: Final = frozenset(
    {
        "version",
        "sources",
        "threshold_source",
        "licence",
        "limits",
        "folds",
        "enrolled",
        "scope",
        "normalisation",
        "operating_point",
    }
)
"""Fields of `TrainSettings` that change the card or the evaluation, but not the weights."""


class TrainSettings(RunSettings):
    """A training run, as one YAML file."""

    architecture: str = "hybrid-small"
    """A name of `gaitproof.nets.registry.list_networks`."""
    network: NetworkSettings = NetworkSettings()
    start: Path | None = None
    """Folder of an earlier run (``--run``, ``--pretrain``) or model whose weights this one begins
    with, as far as they fit; relative to the working folder. None of its people may be tested on.
    """
    version: str = "0.0.0"
    """Of the weights, for the model identifier."""
    sources: tuple[SourceSettings, ...] = ()
    threshold_source: str = ""
    """Name of the source whose held-out people set threshold and calibration; empty for all."""
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: str = ""
    """What the weights must not be trusted with, for the card."""
    joints: Literal["gait-12", "coco-17"] = "gait-12"
    """``coco-17`` shows the network nose, eyes, ears, elbows and wrists, and no feet; joints that a
    recording lacks are masked (`gaitproof.types.layouts`)."""
    alignment: Literal["camera", "heading", "human-oriented"] = "heading"
    """``heading`` turns every window so that the walker faces along x before the network,
    ``human-oriented`` every frame so that the trunk is upright and of one height (GPGait's HOT)."""
    features: tuple[FeatureGroup, ...] = ("coordinates", "angles", "velocities")
    """Feature groups the network sees; the others are 0 (ablation)."""
    frames: int = Field(default=WINDOW_FRAMES, ge=10, le=WINDOW_FRAMES)
    """Frames of the window the network sees, from its start (ablation)."""
    least_frames: int = Field(default=WINDOW_FRAMES, ge=10, le=WINDOW_FRAMES)
    """Unbroken walking of fewer than 60 frames at 30 Hz, but of so many, makes a window whose
    padding the network leaves out; by default it makes none."""
    bones: Literal["own", "canonical"] = "own"
    """``canonical`` gives every walker the same bone lengths before features: movement alone."""
    augment: AugmentSettings = AugmentSettings()
    adapt: AdaptSettings = AdaptSettings()
    loss: LossSettings = LossSettings()
    discriminant: DiscriminantSettings = DiscriminantSettings()
    steps: int = Field(default=1200, ge=1)
    people_per_batch: int = Field(default=48, ge=2)
    windows_per_person: int = Field(default=6, ge=2)
    validation: ValidationSettings = ValidationSettings()
    operating_point: OperatingPointSettings = OperatingPointSettings()
    normalisation: NormalisationSettings = NormalisationSettings()
    folds: int = Field(default=5, ge=2)
    """Subject-disjoint folds of the evaluation."""
    enrolled: int = Field(default=3, ge=1)
    """Recordings per template in the evaluation."""

    @model_validator(mode="after")
    def _consistent(self) -> TrainSettings:
        if self.schedule.name == "plateau" and not self.validation.share:
            raise ValueError("the plateau schedule needs validation.share above 0")
        if self.joints != "gait-12" and (self.augment.estimator_error or self.bones != "own"):
            raise ValueError("joints: coco-17 needs augment.estimator_error: false and bones: own")
        if self.augment.shorten and self.least_frames == WINDOW_FRAMES:
            raise ValueError("augment.shorten needs least_frames below 60")
        if self.augment.style and self.least_frames < WINDOW_FRAMES:
            raise ValueError("augment.style mixes whole windows: least_frames must be 60")
        if self.bones != "own" and self.least_frames < WINDOW_FRAMES:
            raise ValueError("canonical bones are for whole windows: least_frames must be 60")
        if not self.features or len(set(self.features)) != len(self.features):
            raise ValueError("features must name one group or more, each once")
        return self


class _Named(Settings, extra="ignore"):
    """The one setting of a recipe that says what the others are."""

    architecture: str = ""


def read_architecture(recipe: Path) -> str:
    """Return the network that a recipe of any kind names; empty where it names none.

    Raises
    ------
    ConfigError
        If it is no settings file.
    """
    return _Named.load(recipe).architecture
