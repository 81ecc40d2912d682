"""What a gallery holds: recordings and the templates made from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import GalleryError
from gaitproof.gait.cycles import GaitProfile
from gaitproof.verify.scoring import make_template

_UNIT_TOLERANCE: Final = 1e-3
"""Embeddings are unit vectors up to float32 rounding, which is far below this."""

MAX_EMBEDDING_SIZE: Final = 4096
"""Numbers per embedding; sixteen times the largest encoder, a bound on hostile input."""

MAX_WINDOWS: Final = 100_000
"""Windows per recording: 14 hours of walking, a bound on hostile input."""


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

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise GalleryError("A recording needs the SHA-256 of its file.", actual=self.sha256)
        for name in ("model_id", "estimator"):
            if not 0 < len(getattr(self, name)) <= 200:
                raise GalleryError(f"A recording needs a '{name}' of 1 to 200 characters.")
        embeddings = np.array(self.embeddings, dtype=np.float32)
        starts = np.array(self.starts, dtype=np.float64)
        n = len(starts) if starts.ndim == 1 else -1
        if (
            embeddings.ndim != 2
            or embeddings.shape[0] != n
            or not 0 < n <= MAX_WINDOWS
            or not 0 < embeddings.shape[1] <= MAX_EMBEDDING_SIZE
        ):
            raise GalleryError(
                "The embeddings of a recording have the wrong shape.",
                expected="(N, D) and one start per window, N and D at least 1",
                actual=f"{embeddings.shape} and {starts.shape}",
            )
        lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1)
        if not np.isfinite(starts).all() or not (np.abs(lengths - 1) < _UNIT_TOLERANCE).all():
            raise GalleryError("The embeddings of a recording must be finite and of unit length.")
        finite = {name: float(v) for name, v in self.quality.items() if np.isfinite(v)}
        object.__setattr__(self, "quality", finite)
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
    """

    template_id: str
    name: str
    model_id: str
    estimator: str
    vector: NDArray[np.float32]
    windows: int
    sources: tuple[str, ...]


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
