"""What a gallery holds: recordings and the templates made from them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import GalleryError
from gaitproof.face.types import FaceReference
from gaitproof.gait.cycles import GaitProfile
from gaitproof.verify.filming import Filming
from gaitproof.verify.names import check_name
from gaitproof.verify.scoring import make_template

if TYPE_CHECKING:
    from gaitproof.verify.gallery import Gallery

_UNIT_TOLERANCE: Final = 1e-3
"""Embeddings are unit vectors up to float32 rounding, which is far below this."""

MAX_EMBEDDING_SIZE: Final = 4096
"""Numbers per embedding; sixteen times the largest encoder, a bound on hostile input."""

MAX_WINDOWS: Final = 100_000
"""Windows per recording: 14 hours of walking, a bound on hostile input."""

MAX_NUMBERS: Final = 25 * 2**20
"""Numbers in the embeddings of a recording: `MAX_WINDOWS` of the largest encoder, 100 MiB."""

MAX_PATH: Final = 4096
"""Characters of a recording's path, as Linux allows."""

MAX_LABEL: Final = 200
"""Characters of a model's or estimator's identifier, and of a measure's name."""

MAX_MEASURES: Final = 1000
"""Quality measures per recording; there are about twenty."""

SHA256: Final = r"^[0-9a-f]{64}$"
TEMPLATE_ID: Final = r"^[0-9a-f]{16}$"

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, eq=False)
class Recording:
    """The embeddings of one person in one video file; immutable and validated.

    Parameters
    ----------
    sha256
        SHA-256 of the video file, 64 hexadecimal digits.
    path
        The video's path as the user gave it; information only, never opened.
    model_id
        Identifier of the weights that made the embeddings.
    estimator
        Identifier of the pose estimator.
    embeddings
        Shape (N, D), unit length, float32, one row per usable window; N >= 1.
    starts
        Shape (N,), start of each window, seconds in the video.
    quality
        Named measures of the quality report; those that are not finite are dropped.
    created
        UTC time of the enrolment, ISO 8601; filled in by the gallery.
    profile
        Joint angles over the gait cycle, for explanations; None if the walk shows no full cycle or
        was enrolled before profiles were kept.
    filming
        How the person was filmed; None if enrolled before that was kept, and for silhouettes.
    faces
        What face models make of the same file, one entry per model.

    Raises
    ------
    GalleryError
        If a field is malformed.
    """

    sha256: str
    path: str
    model_id: str
    estimator: str
    embeddings: NDArray[np.float32]
    starts: NDArray[np.float64]
    quality: dict[str, float] = field(default_factory=dict)
    created: str = ""
    profile: GaitProfile | None = None
    filming: Filming | None = None
    faces: tuple[FaceReference, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(SHA256, self.sha256):
            raise GalleryError("A recording needs the SHA-256 of its file.", actual=self.sha256)
        for name in ("model_id", "estimator"):
            if not 0 < len(getattr(self, name)) <= MAX_LABEL:
                raise GalleryError(f"A recording needs a '{name}' of 1 to {MAX_LABEL} characters.")
        if self.created:
            check_time(self.created)
        # a name of bytes that are no UTF-8 is kept as Python escapes it
        path = self.path.encode("utf-8", "backslashreplace").decode()
        if len(path) > MAX_PATH:
            raise GalleryError("The path of a recording is too long.", actual=f"{len(path)}")
        object.__setattr__(self, "path", path)
        self._check_numbers()
        finite = {name: float(v) for name, v in self.quality.items() if np.isfinite(v)}
        if len(finite) > MAX_MEASURES or any(len(name) > MAX_LABEL for name in finite):
            raise GalleryError("A recording has too many quality measures, or too long names.")
        object.__setattr__(self, "quality", finite)

    def _check_numbers(self) -> None:
        embeddings = np.array(self.embeddings, dtype=np.float32)
        starts = np.array(self.starts, dtype=np.float64)
        n = len(starts) if starts.ndim == 1 else -1
        if (
            embeddings.ndim != 2
            or embeddings.shape[0] != n
            or not 0 < n <= MAX_WINDOWS
            or not 0 < embeddings.shape[1] <= MAX_EMBEDDING_SIZE
            or embeddings.size > MAX_NUMBERS
        ):
            raise GalleryError(
                "The embeddings of a recording have the wrong shape.",
                expected="(N, D) and one start per window, N and D at least 1",
                actual=f"{embeddings.shape} and {starts.shape}",
            )
        if not np.isfinite(starts).all() or not is_unit(embeddings):
            raise GalleryError("The embeddings of a recording must be finite and of unit length.")
        for name, array in (("embeddings", embeddings), ("starts", starts)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.starts)


@dataclass(frozen=True, eq=False)
class Template:
    """The enrolled reference of one identity, for one model and one pose estimator.

    Parameters
    ----------
    template_id
        16 hexadecimal digits that depend on the name, the model and the recordings.
    name
        The identity.
    model_id, estimator
        What made the embeddings; a probe made by anything else is never compared.
    vector
        Shape (D,), unit length, float32.
    windows
        Windows in all recordings together.
    sources
        SHA-256 of the recordings it is made of.

    Raises
    ------
    GalleryError
        If the vector is not finite and of unit length.
    """

    template_id: str
    name: str
    model_id: str
    estimator: str
    vector: NDArray[np.float32]
    windows: int
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        vector = np.array(self.vector, dtype=np.float32)
        if vector.ndim != 1 or not 0 < vector.size <= MAX_EMBEDDING_SIZE or not is_unit(vector):
            raise GalleryError(
                "The vector of a template must be finite and of unit length.",
                actual=f"shape {vector.shape}",
            )
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)


def check_time(text: str) -> str:
    """Return a time as it is stored, ISO 8601 with date and time of day, if it is one.

    Raises
    ------
    GalleryError
        If it is not.
    """
    try:
        # the pattern first: `fromisoformat` takes any character between date and time
        if _TIME.fullmatch(text):
            datetime.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise GalleryError(
        "A time cannot be read.", expected="for example 2026-11-21T08:30:00+00:00", actual=text
    )


def is_unit(vectors: NDArray[np.float32]) -> bool:
    """Whether vectors, shape (..., D), are finite and of unit length up to rounding."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1)
    return bool((np.abs(lengths - 1) < _UNIT_TOLERANCE).all())


def build_template(name: str, recordings: Iterable[Recording]) -> Template:
    """Make a template from recordings of one model and one pose estimator.

    Raises
    ------
    GalleryError
        If there is no recording, or they come from different models or estimators.
    """
    parts = sorted(recordings, key=lambda r: r.sha256)
    makers = {(r.model_id, r.estimator, r.embeddings.shape[1]) for r in parts}
    if len(makers) != 1:
        raise GalleryError(
            "A template is made from recordings of one model and one pose estimator.",
            actual=f"{len(parts)} recordings of {len(makers)} kinds",
        )
    ((model_id, estimator, _),) = makers
    sources = tuple(r.sha256 for r in parts)
    vector = make_template([r.embeddings for r in parts])
    digest = hashlib.sha256()
    for text in (name, model_id, estimator, *sources):
        digest.update(text.encode() + b"\x00")
    digest.update(vector.tobytes())
    return Template(
        template_id=digest.hexdigest()[:16],
        name=name,
        model_id=model_id,
        estimator=estimator,
        vector=vector,
        windows=sum(r.windows for r in parts),
        sources=sources,
    )


@dataclass(frozen=True, eq=False)
class ReferencePerson:
    """One person of reference footage.

    Parameters
    ----------
    footage
        Name of the footage: people filmed in the same way share it.
    sha256
        Of the file.
    person
        Number of the person in the file, from 0.
    model_id, estimator
        What made the direction.
    windows
        Two-second windows behind it.
    vector
        Shape (D,), unit length, float32.
    created
        UTC time, ISO 8601; filled in by the gallery.
    filming
        How the person was filmed; None if added before that was kept, and for silhouettes.

    Raises
    ------
    GalleryError
        If a value is malformed.
    """

    footage: str
    sha256: str
    person: int
    model_id: str
    estimator: str
    windows: int
    vector: NDArray[np.float32]
    created: str = ""
    filming: Filming | None = None

    def __post_init__(self) -> None:
        check_name(self.footage)
        if not re.fullmatch(SHA256, self.sha256):
            raise GalleryError("Reference footage needs the SHA-256 of its file.")
        if self.person < 0 or self.windows < 1:
            raise GalleryError("A person of reference footage has a number and one window or more.")
        for name in ("model_id", "estimator"):
            if not 0 < len(getattr(self, name)) <= MAX_LABEL:
                raise GalleryError(f"Reference footage needs a '{name}' of 1 to {MAX_LABEL}.")
        vector = np.array(self.vector, dtype=np.float32)
        if vector.ndim != 1 or not abs(np.linalg.norm(vector) - 1) < _UNIT_TOLERANCE:
            raise GalleryError("A person of reference footage is one direction of unit length.")
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)


OWN_FILE: Final = (
    "This very file is enrolled; it was taken out of the template, since a file always matches "
    "itself."
)


def without_file(gallery: Gallery, template: Template, sha256: str) -> Template | None:
    """Take a file out of a template; None if nothing else is in it.

    Parameters
    ----------
    gallery
        That holds the template.
    template
        Returned as it is if the file is not in it.
    sha256
        Of the probe's file.
    """
    if sha256 not in template.sources:
        return template
    recordings = gallery.recordings(template.name, template.model_id, template.estimator)
    others = [r for r in recordings if r.sha256 != sha256]
    return build_template(template.name, others) if others else None


def shortfall(name: str, template: Template | None, least: int) -> str:
    """Say why a template does not carry a decision; empty if it does.

    Parameters
    ----------
    name
        Whose it is.
    template
        As `without_file` returns it.
    least
        Windows that it needs at least.
    """
    if template is None:
        return f"This very file is the only recording of {name} that is enrolled."
    if template.windows < least:
        return (
            f"The template of {name} holds too little material ({template.windows} of at "
            f"least {least} two-second windows); enrol another recording."
        )
    return ""
