"""What a case report says: plain, validated data, and nothing of how it looks."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from gaitproof.config import Settings, VerifySettings
from gaitproof.face.model import FaceDetectorCard
from gaitproof.nets.card import ModelCard
from gaitproof.types import Verdict
from gaitproof.verify.fusion.verdict import JointVerdict

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

MAX_IMAGE: Final = 4 * 2**20
"""Characters of one image in base64; the largest that is made here has a tenth of it."""

_SIGNATURES: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


class ReportImage(Settings):
    """An image of the report, inside it.

    The bytes are kept with their own SHA-256, so that an image can be told apart from another one
    without an image library.
    """

    title: str = Field(max_length=200)
    """A heading of a few words."""
    alt: str = Field(max_length=2000)
    """What is seen, for those who do not see it."""
    caption: str = Field(max_length=2000)
    """What the reader shall take from it."""
    media_type: Literal["image/png", "image/jpeg"]
    width: int = Field(ge=1, le=10_000)
    height: int = Field(ge=1, le=10_000)
    sha256: Sha256
    data: str = Field(max_length=MAX_IMAGE)
    """Base64 of the file."""

    @model_validator(mode="after")
    def _check_data(self) -> ReportImage:
        try:
            content = self.content
        except binascii.Error as error:
            raise ValueError("the image is not base64") from error
        if not content.startswith(_SIGNATURES[self.media_type]):
            raise ValueError(f"the image is not {self.media_type}")
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ValueError("the image does not have the SHA-256 that is stated")
        return self

    @property
    def content(self) -> bytes:
        """The file."""
        return base64.b64decode(self.data, validate=True)

    @property
    def data_uri(self) -> str:
        """The address that shows the image in a page."""
        return f"data:{self.media_type};base64,{self.data}"


class EnrolledFile(Settings):
    """One recording of the claimed person that the gallery holds for this model."""

    path: str = Field(max_length=5000)
    """As it was given at the enrolment; the file need not exist any more."""
    sha256: Sha256
    windows: int = Field(ge=0)
    """Usable two-second windows."""
    enrolled: str = Field(max_length=40)
    """UTC time, ISO 8601."""
    used: bool
    """Whether it is part of the template that was compared."""


class CaseStatement(Settings):
    """What whoever asked says of the case: stated as it was given, and no part of the finding."""

    case_number: str = Field(default="", max_length=200)
    exhibit: str = Field(default="", max_length=200)
    """What the video is called in the case."""
    examiner: str = Field(default="", max_length=200)
    """Who examined it."""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON beside a verdict tells of it: nothing if nothing was stated."""
        return {"stated": self.model_dump()} if self != CaseStatement() else {}


class CaseReport(Settings):
    """Everything that a report on one verification states; the same for every format.

    Images are in reading order: `faces` show the face, `frames` the walk with the found joints,
    `evidence` the score and its weight, `explanation` what the score rests on.

    Examples
    --------
    >>> import gaitproof as gp
    >>> case = gp.examine("new.mp4", "ann", "gallery.db")  # doctest: +SKIP
    >>> isinstance(case.report().content, gp.CaseReport)  # doctest: +SKIP
    True
    """

    format: Literal["gaitproof-report/1"] = "gaitproof-report/1"
    created: str = Field(max_length=40)
    """UTC time, ISO 8601."""
    stated: CaseStatement = CaseStatement()
    verdict: Verdict
    enrolled: tuple[EnrolledFile, ...] = Field(max_length=10_000)
    model: ModelCard
    settings: VerifySettings
    command: str = Field(max_length=20_000)
    """Makes the same verdict again, given the same files."""
    versions: dict[str, str] = Field(max_length=100)
    """Packages that can change a number, by name."""
    estimator: str = Field(max_length=200)
    """What found the joints; empty if nobody was examined."""
    frames: tuple[ReportImage, ...] = Field(default=(), max_length=12)
    evidence: tuple[ReportImage, ...] = Field(default=(), max_length=12)
    explanation: tuple[ReportImage, ...] = Field(default=(), max_length=24)
    joint: JointVerdict | None = None
    """The answer of gait and face together; None if only the walk was looked at."""
    face_model: FaceDetectorCard | None = None
    faces: tuple[ReportImage, ...] = Field(default=(), max_length=12)

    @property
    def headline(self) -> str:
        """The answer as one line."""
        return self.verdict.headline if self.joint is None else self.joint.headline

    @property
    def images(self) -> tuple[ReportImage, ...]:
        """All images."""
        return (*self.faces, *self.frames, *self.evidence, *self.explanation)
