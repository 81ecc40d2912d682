"""What is known of a face forgery detector's weights: their card."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.face.align import AlignmentSettings
from gaitproof.types import ErrorRate

NOISE_ROOM: Final = 1.1
"""A face is too noisy to be called genuine above so many times the most of any evaluated."""

LEAST_ROOM: Final = 0.75
"""A face is too small below so many times the least of any genuine video evaluated, and too little
sharp to be called genuine."""

DETAIL_ROOM: Final = 1.25
"""It has too little detail to be called forged below so many times the least."""

SCORE_EDGE: Final = 1e-6
"""Scores nearer to 0 or 1 count as this far from it where log odds are taken."""


def log_odds(score: float) -> float:
    """Return the log odds of a score in [0, 1], never infinite."""
    inside = min(max(score, SCORE_EDGE), 1 - SCORE_EDGE)
    return math.log(inside / (1 - inside))


class FaceDataSource(Settings):
    """A data set behind the weights."""

    name: str
    people: int = Field(ge=0)
    pictures: int = Field(ge=0)
    licence: str
    citation: str


class FaceCalibration(Settings):
    """Score to log10 likelihood ratio of genuine against forged.

    ``slope * log_odds(score) + intercept``, then bounded; fitted by logistic regression on
    held-out people with equal weight of both classes (Brümmer & du Preez, CSL 2006).
    """

    slope: float = Field(gt=0)
    intercept: float
    log10_lr_bound: float = Field(gt=0)
    """Largest magnitude the people calibrated on support."""
    people: int = Field(ge=1)

    def log10_lr(self, score: float) -> float:
        """Return the bounded log10 likelihood ratio of a genuine-score in [0, 1]."""
        bound = self.log10_lr_bound
        return min(max(self.slope * log_odds(score) + self.intercept, -bound), bound)


class FaceOperatingPoint(Settings):
    """Where a clip's genuine-score is decided, and the error rates on held-out people.

    At `high` and above a face is REAL, below `low` FAKE, between them INCONCLUSIVE.
    """

    threshold: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    chosen_by: str
    false_real: ErrorRate
    """Of forged faces, the share answered REAL."""
    false_fake: ErrorRate
    """Of genuine faces, the share answered FAKE."""
    undecided: ErrorRate | None = None
    """Share left INCONCLUSIVE, both classes weighing the same."""

    @model_validator(mode="after")
    def _check_band(self) -> FaceOperatingPoint:
        if not self.low <= self.threshold <= self.high:
            raise ValueError("the threshold must lie within the inconclusive band")
        return self


class FaceRelation(Settings):
    """How much of a face's score its person and camera explain, and genuine video of them tells.

    Log odds of genuine faces are taken as a common centre, an offset of the person filmed in one
    way, and what differs from one clip to the next. Of n genuine clips the offset is their mean
    distance from the centre, shrunk by ``n * shared / (1 + (n - 1) * shared)``: the more there are,
    the more it counts.

    It counts one way: a face that looks less genuine than its person's genuine video is FAKE, and
    none is REAL for looking like it, as a face that was changed little in the same footage does.
    """

    centre: float
    """Mean log odds of genuine faces."""
    shared: float = Field(ge=0, le=1)
    """Share of the variance of genuine faces that lies between people filmed in one way."""
    fake_below: float = Field(ge=0, le=1)
    """Score relative to genuine video below which a face is FAKE."""
    false_real: ErrorRate
    """Of forged faces, the share answered REAL by themselves and relative to genuine video."""
    false_fake: ErrorRate
    """Of genuine faces, the share answered FAKE by either."""
    undecided: ErrorRate
    """Share left INCONCLUSIVE by both, both classes weighing the same."""
    calibration: FaceCalibration | None = None
    """Of the score relative to genuine video."""
    people: int = Field(ge=2)
    """Measured on."""
    conditions: str = Field(min_length=1)
    """What the genuine video had in common with the face's, as it was measured."""

    def shift(self, references: Sequence[float]) -> float:
        """Return what the log odds of a face are to be lowered by, given scores of genuine video.

        Parameters
        ----------
        references
            Scores of genuine clips, 0 to 1.
        """
        count = len(references)
        if not count:
            return 0.0
        weight = count * self.shared / (1 + (count - 1) * self.shared)
        return weight * (sum(map(log_odds, references)) / count - self.centre)

    def adjust(self, score: float, references: Sequence[float]) -> float:
        """Return a face's score, 0 to 1, as if its person's genuine video scored as most does."""
        return 1 / (1 + math.exp(self.shift(references) - log_odds(score)))


class FaceConditions(Settings):
    """What genuine video looked like that the model was evaluated on: least, median, most."""

    light: tuple[float, float, float]
    """Grey level of the aligned face, of 255."""
    sharpness: tuple[float, float, float]
    """See `gaitproof.face.types.FaceQuality`."""
    size: tuple[float, float, float]
    """Pixels."""
    flicker: tuple[float, float, float]
    """See `gaitproof.face.consistency.Consistency`."""
    contrast: tuple[float, float, float] | None = None
    """Grey levels of 255, see `gaitproof.face.types.FaceQuality`; None where not measured."""
    noise: tuple[float, float, float] | None = None
    detail: tuple[float, float, float] | None = None
    """Grey levels of 255, see `gaitproof.face.types.FaceQuality`; None where not measured."""

    def doubts(self, *measures: float) -> dict[str, str]:
        """Say what keeps a face from its answers, as `gaitproof.face.verdict.decide` takes it.

        Parameters
        ----------
        *measures
            Light, contrast, sharpness, size, noise and detail.
        """
        light, contrast, sharpness, size, noise, detail = measures
        return {
            "beyond": self.beyond(light, size),
            "flattering": self.flattering(contrast, sharpness, noise),
            "incriminating": self.incriminating(contrast, detail),
        }

    def beyond(self, light: float, size: float) -> str:
        """Say in which way a face is unlike all it was evaluated on; empty if it is not.

        Larger faces than any are none the worse for it.
        """
        return _describe(
            (light < self.light[0], "darker", light, self.light[0], 0),
            (light > self.light[2], "brighter", light, self.light[2], 0),
            _below("smaller", size, LEAST_ROOM * self.size[0], 0),
        )

    def flattering(self, contrast: float, sharpness: float, noise: float) -> str:
        """Say what may make a forged face look genuine; empty if nothing does.

        Grain does, and hard contrast and blur, and none of them a genuine one forged.
        """
        hardest = self.contrast[2] if self.contrast else math.inf
        noisiest = NOISE_ROOM * self.noise[2] if self.noise else math.inf
        return _describe(
            (contrast > hardest, "higher in contrast", contrast, hardest, 0),
            _below("less sharp", sharpness, LEAST_ROOM * self.sharpness[0], 0),
            (noise > noisiest, "noisier", noise, noisiest, 2),
        )

    def incriminating(self, contrast: float, detail: float) -> str:
        """Say what may make a genuine face look forged; empty if nothing does.

        Fog and strong compression do, and hardly a forged one genuine.
        """
        flattest = self.contrast[0] if self.contrast else 0.0
        limit = DETAIL_ROOM * self.detail[0] if self.detail else 0.0
        return _describe(_below("lower in contrast", contrast, flattest, 0)) or (
            "the face looks manipulated, but has hardly more fine detail than the poorest genuine "
            f"video evaluated ({detail:.2f}, limit {limit:.2f}); strong compression looks so, too"
            if detail < limit
            else ""
        )


_Check = tuple[bool, str, float, float, int]


def _below(how: str, value: float, limit: float, digits: int) -> _Check:
    return value < limit, how, value, limit, digits


def _describe(*checks: _Check) -> str:
    return next(
        (
            f"the face is {how} than any the model was evaluated on "
            f"({value:.{digits}f}, limit {limit:.{digits}f})"
            for wrong, how, value, limit, digits in checks
            if wrong
        ),
        "",
    )


class FaceClipSettings(Settings):
    """What a network that looks at several frames together was trained on."""

    frames: int = Field(ge=2, le=64)
    """Frames that it judges together, at most: a segment."""
    rate: float | None = Field(default=None, gt=0)
    """Frames per second; None if they were spread evenly over the clip."""
    pictures: int = Field(ge=2)
    """Frames of one clip, at most."""


class FaceDetectorCard(Settings):
    """Metadata that travels with a face forgery detector's weights."""

    limits: str = Field(min_length=1)
    """How far the weights can be trusted; the first line says the most important."""
    model_id: str = Field(min_length=1)
    architecture: str
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    detector: str
    """Identifier of the face detector that cut the training crops."""
    alignment: AlignmentSettings = AlignmentSettings()
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Normalisation of RGB in [0, 1]; the defaults are ImageNet's."""
    clip: FaceClipSettings | None = None
    """None for a network that judges one frame at a time."""
    run: float | None = Field(default=None, gt=0, le=1)
    """Share of a face's frames, or segments: the face's score is that of so many in a row, those
    that look least genuine (mean log odds), so that what only some give away shows. None for the
    mean of all scores."""
    members: tuple[str, ...] = ()
    """Identifiers of the networks whose mean it is; empty for a single network."""
    operating_point: FaceOperatingPoint
    calibration: FaceCalibration | None = None
    """Of a whole clip's score; None where it was not calibrated."""
    frame_calibration: FaceCalibration | None = None
    """Of one frame's score, or of one segment's."""
    relation: FaceRelation | None = None
    """To genuine video of the same person; None where it was not measured."""
    largest_drop: float | None = Field(default=None, gt=0)
    """Of genuine video it was evaluated on, see `gaitproof.face.consistency`; None if not
    measured."""
    conditions: FaceConditions | None = None
    """Of the genuine video it was evaluated on; None where it was portraits."""
    data: tuple[FaceDataSource, ...]
    protocol: str
    figures: dict[str, float]
    """Measured figures by name."""
    licence: str
    trained_on: str
    """Date, ISO 8601."""

    @model_validator(mode="after")
    def _check_normaliser(self) -> FaceDetectorCard:
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise ValueError("mean and std must be finite, and std positive")
        return self

    def summarise(self, scores: Sequence[float] | NDArray[np.floating[Any]]) -> float:
        """Return the score of a face, given those of its frames or segments in order of time.

        Parameters
        ----------
        scores
            At least one, each 0 (manipulated) to 1 (genuine).
        """
        values = np.asarray(scores, np.float64)
        if self.run is None:
            return float(values.mean())
        inside = values.clip(SCORE_EDGE, 1 - SCORE_EDGE)
        odds = np.log(inside / (1 - inside))
        # a hair less, since 0.3 * 10 may come out above 3
        length = max(1, math.ceil(self.run * len(odds) - 1e-9))
        least = np.convolve(odds, np.full(length, 1 / length), "valid").min()
        return float(1 / (1 + np.exp(-least)))

    @property
    def summary(self) -> str:
        """What `summarise` makes of scores, in words."""
        return "mean" if self.run is None else f"least genuine {self.run:.0%} in a row"
