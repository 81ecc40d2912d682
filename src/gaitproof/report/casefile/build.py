"""From an examination to the content of its report."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import platform
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

from gaitproof.config import VerifySettings
from gaitproof.nets.card import ModelCard
from gaitproof.report.casefile.content import (
    CaseReport,
    CaseStatement,
    EnrolledFile,
    ReportImage,
)
from gaitproof.report.casefile.plots import plot_score_position, plot_verbal_scale
from gaitproof.report.style import DPI
from gaitproof.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gaitproof.face.model import FaceDetectorCard
    from gaitproof.report.page import PageImage
    from gaitproof.types import Verdict
    from gaitproof.verify.fusion.verdict import JointVerdict
    from gaitproof.verify.records import RecordingSummary
    from gaitproof.verify.results import Examination

_PACKAGES: Final = ("gaitproof", "av", "mediapipe", "numpy", "onnxruntime", "scipy")
"""What stands between the file and the number."""


def build_report(
    examination: Examination,
    *,
    card: ModelCard,
    settings: VerifySettings,
    recordings: Iterable[RecordingSummary] = (),
    command: str = "",
    frames: Sequence[ReportImage] = (),
    explanation: Sequence[ReportImage] = (),
    joint: JointVerdict | None = None,
    face_model: FaceDetectorCard | None = None,
    faces: Sequence[ReportImage] = (),
    created: datetime | None = None,
    stated: CaseStatement | None = None,
) -> CaseReport:
    """Put together what a report states.

    Parameters
    ----------
    examination
        The verdict and what it was made from.
    card
        Of the model that was used.
    settings
        Limits and quality gate that were used.
    recordings
        What the gallery holds of the claimed person; those of other models are left out.
    command
        Makes the same verdict again.
    frames
        Frames of the video, see `file_image`.
    explanation
        What the score rests on.
    joint, face_model, faces
        The answer of gait and face together, whose model looked at the face, and images of it;
        nothing if only the walk was looked at.
    created
        None for now.
    stated
        Case, exhibit and examiner.
    """
    verdict = _clean(examination.verdict)
    template = examination.template
    sources = frozenset(template.sources if template is not None else ())
    enrolled = [r for r in recordings if r.model_id == card.model_id]
    return CaseReport(
        created=(created or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        stated=stated or CaseStatement(),
        verdict=verdict,
        enrolled=tuple(
            EnrolledFile(
                path=printable(r.path),
                sha256=r.sha256,
                windows=r.windows,
                enrolled=r.created,
                used=r.sha256 in sources and r.estimator == (template and template.estimator),
            )
            for r in enrolled
        ),
        model=card,
        settings=settings,
        command=printable(command),
        versions=_versions(),
        estimator=examination.tracks[0].sequence.estimator if examination.tracks else "",
        frames=tuple(frames),
        evidence=_evidence(verdict, card),
        explanation=tuple(explanation),
        joint=None if joint is None else _clean_joint(joint),
        face_model=face_model,
        faces=tuple(faces),
    )


def figure_image(figure: Figure, *, title: str, alt: str, caption: str = "") -> ReportImage:
    """Draw a figure into the report; the same figure gives the same bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    width, height = (round(DPI * side) for side in figure.get_size_inches())
    return _image_of(out.getvalue(), "image/png", width, height, title, alt, caption)


def file_image(image: PageImage, *, title: str) -> ReportImage:
    """Take over a JPEG image of a page, as `gaitproof.report.images` makes them."""
    data = base64.b64decode(image.data_uri.removeprefix("data:image/jpeg;base64,"))
    return _image_of(
        data,
        "image/jpeg",
        image.width,
        image.height,
        title,
        image.alt,
        image.caption,
    )


def _image_of(
    data: bytes,
    media_type: Literal["image/png", "image/jpeg"],
    width: int,
    height: int,
    title: str,
    alt: str,
    caption: str,
) -> ReportImage:
    return ReportImage(
        title=title,
        alt=printable(alt),
        caption=printable(caption),
        media_type=media_type,
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        data=base64.b64encode(data).decode("ascii"),
    )


def _evidence(verdict: Verdict, card: ModelCard) -> tuple[ReportImage, ...]:
    if verdict.log10_lr is None:
        return ()
    images = []
    # a similarity relative to other people is none of those of the evaluation
    relative = any(one.references for one in verdict.signals)
    if card.scores is not None and verdict.similarity is not None and not relative:
        images.append(
            figure_image(
                plot_score_position(
                    card.scores,
                    similarity=verdict.similarity,
                    threshold=verdict.threshold,
                    band=verdict.band,
                ),
                title="This walk among the walks of the evaluation",
                alt=(
                    "Distributions of the similarity of genuine and of false claims in the "
                    f"evaluation, and this walk at {verdict.similarity:.3f}."
                ),
                caption=(
                    "Solid: genuine claims; hatched: claims to be somebody else "
                    f"({card.scores.source}). Each distribution has the same area, whatever the "
                    "number of claims. The black line is the walk of this report."
                ),
            )
        )
    images.append(
        figure_image(
            plot_verbal_scale(verdict.log10_lr, verdict.log10_lr_bound),
            title="Weight of the evidence on the verbal scale",
            alt=(
                f"The log10 likelihood ratio {verdict.log10_lr:+.2f} on the verbal scale from "
                "extremely strong support against the claim to extremely strong support for it; "
                f"nothing beyond {verdict.log10_lr_bound:.2f} either way can be reached."
            ),
            caption=(
                "The hatched parts cannot be reached: the calibration holds too few people to "
                "support so strong a statement."
            ),
        )
    )
    return tuple(images)


def _clean(verdict: Verdict) -> Verdict:
    """Take out what JSON and a page cannot hold: unknown measures, unprintable characters."""
    quality = verdict.quality
    measures = {k: float(v) for k, v in quality.measures.items() if math.isfinite(v)}
    return replace(
        verdict,
        claim=printable(verdict.claim),
        reason=printable(verdict.reason),
        source=printable(verdict.source),
        notes=tuple(map(printable, verdict.notes)),
        quality=replace(quality, measures=measures),
    )


def _clean_joint(joint: JointVerdict) -> JointVerdict:
    return replace(
        joint,
        claim=printable(joint.claim),
        reason=printable(joint.reason),
        rule=printable(joint.rule),
        notes=tuple(map(printable, joint.notes)),
    )


def _versions() -> dict[str, str]:
    versions = {"Python": platform.python_version(), "system": platform.platform(terse=True)}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
