"""Everything that explains one verdict: images with words, a film, a page, numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gaitproof.explain.scope import ExplainedScore
from gaitproof.gait.cycles import GaitProfile, measure_profile, pool_profiles
from gaitproof.gait.events import GaitEvents, find_events
from gaitproof.media.files import atomic_folder, write_atomically
from gaitproof.report.explanation import (
    landmark_name,
    plot_groups,
    plot_skeleton,
    plot_time_strip,
)
from gaitproof.report.film import write_film
from gaitproof.report.likeness import (
    BAND_SDS,
    plot_cycle_bands,
    plot_embedding_map,
    share_inside,
)
from gaitproof.report.page import PageImage, VerdictCard, render
from gaitproof.report.style import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gaitproof.config import MediaLimits
    from gaitproof.explain.importance import Importance
    from gaitproof.explain.trust import Trust
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.results import Examination

FILM: Final = "overlay.mp4"
PAGE: Final = "index.html"
NUMBERS: Final = "explanation.json"


@dataclass(frozen=True)
class Drawing:
    """An image of an explanation with its words.

    Parameters
    ----------
    name
        Short, fit for a file name.
    title
        What is asked.
    alt
        What is seen, for those who do not see it.
    caption
        How to read it.
    figure
        The image.
    """

    name: str
    title: str
    alt: str
    caption: str
    figure: Figure


@dataclass(frozen=True, eq=False)
class Profiles:
    """Joint angles over the gait cycle: of the probe, and of the claimed person as enrolled."""

    probe: GaitProfile | None
    template: GaitProfile | None


def _compare_profiles(examination: Examination, gallery: Gallery) -> Profiles:
    """Measure the probe's gait cycles and fetch those of the claimed person.

    The probe's own file is left out of the enrolled ones, as it is for the score.
    """
    template, enrolled = examination.template, None
    if template is not None:
        enrolled = gallery.profile(
            template.name,
            template.model_id,
            template.estimator,
            without=examination.verdict.source_sha256,
        )
    own = pool_profiles(measure_profile(t.sequence) for t in examination.tracks)
    return Profiles(own, enrolled)


def draw_explanation(
    examination: Examination, importance: Importance, gallery: Gallery
) -> tuple[Drawing, ...]:
    """Draw everything that explains a score.

    Raises
    ------
    InputError
        If nothing was compared, so that there is nothing to explain.
    """
    return tuple(_drawings(examination, importance, gallery, _profiles(examination, gallery)))


def _profiles(examination: Examination, gallery: Gallery) -> Profiles:
    examination.scored_template()
    return _compare_profiles(examination, gallery)


def _drawings(
    examination: Examination, importance: Importance, gallery: Gallery, profiles: Profiles
) -> list[Drawing]:
    template = examination.template
    assert template is not None
    name = template.name
    longest = max((t.sequence for t in examination.tracks), key=len)
    joints = sorted(importance.joints, key=lambda j: -abs(importance.joints[j]))
    most = " and ".join(landmark_name(j) for j in joints[:2])
    drawings = [
        Drawing(
            "joints",
            "Which joints decided",
            f"A skeleton whose joints are sized by their contribution; {most} contribute most.",
            f"How much each joint contributes to the similarity of {importance.score:.3f}, against "
            f"{importance.baseline}. Blue and solid speaks for the claim, vermilion and hollow "
            "against it.",
            plot_skeleton(importance, longest),
        ),
        Drawing(
            "moments",
            "Which moments decided",
            "The contribution over the time of the video, above the times at which either foot "
            "is on the ground.",
            "How much each moment contributes. Lines mark heel strikes (dotted: right foot), grey "
            "bars the time a foot is on the ground.",
            plot_time_strip(importance, _all_events(examination)),
        ),
    ]
    if profiles.probe is not None:
        drawings.append(_cycle_drawing(profiles.probe, profiles.template, name))
    gallery_of = (template.model_id, template.estimator)
    enrolled = np.concatenate(
        [
            r.embeddings
            for r in gallery.recordings(name, *gallery_of)
            if r.sha256 != examination.verdict.source_sha256
        ]
    )
    drawings += [
        Drawing(
            "features",
            "Which kinds of features decided",
            "Bars for coordinates, angles and velocities, and for the six joint angles.",
            "Positions of the joints, angles between limbs, and speeds; on the right each joint "
            "angle alone.",
            plot_groups(importance),
        ),
        Drawing(
            "map",
            "Where this walk lies among the enrolled people",
            f"A map with the windows of this video, the template of {name} and other people.",
            "Each square is two seconds of this video. A map in two dimensions leaves much out: "
            "the score is computed from all dimensions, not from this image.",
            plot_embedding_map(
                examination.embeddings, template, gallery.templates(*gallery_of), enrolled
            ),
        ),
    ]
    return drawings


def _cycle_drawing(probe: GaitProfile, template: GaitProfile | None, name: str) -> Drawing:
    if template is None:
        said = (
            f"The gallery keeps no joint angles of {name}: they were enrolled before it did. "
            "Enrolling the same videos again adds them."
        )
    else:
        said = (
            f"Joint angles from one heel strike to the next. The band holds about 95 % of the "
            f"enrolled cycles of {name} (mean ± {BAND_SDS:g} standard deviations between cycles "
            "and recordings); it is wide where walks varied or were filmed from different sides. "
            "The score does not use these curves: they are a second, independent look."
        )
    return Drawing(
        "cycles",
        "The joint angles over the gait cycle",
        "Six curves of knee, hip and ankle angles of this video"
        + ("" if template is None else f" against the normal band of {name}."),
        said,
        plot_cycle_bands(probe, template, name=name),
    )


def _all_events(examination: Examination) -> GaitEvents:
    """Return the gait events of all tracks of the person in one."""
    parts = [find_events(t.sequence) for t in examination.tracks]
    names = ("left_strikes", "right_strikes", "left_offs", "right_offs")
    joined = {n: np.sort(np.concatenate([getattr(p, n) for p in parts])) for n in names}
    return GaitEvents(**joined, runs=tuple(sorted(run for p in parts for run in p.runs)))


def to_json(
    examination: Examination,
    importance: Importance,
    profiles: Profiles,
    files: Sequence[str] = (),
    trust: Trust | None = None,
) -> dict[str, Any]:
    """Return an explanation as plain JSON types; what is unknown is None."""
    inside = (
        share_inside(profiles.probe, profiles.template)
        if profiles.probe is not None and profiles.template is not None
        else {}
    )
    fields: dict[str, Any] = _without_nan(
        {
            "verdict": examination.verdict.to_dict(),
            "explains": ExplainedScore.of(examination.verdict).to_dict(),
            "importance": importance.to_dict(),
            "trust": None if trust is None else trust.to_dict(),
            "gait_cycles": {
                "probe": _profile_dict(profiles.probe),
                "template": _profile_dict(profiles.template),
                "share_inside_band": inside,
            },
            "files": list(files),
        }
    )
    return fields


def write_explanation(
    folder: Path,
    video: Path,
    examination: Examination,
    importance: Importance,
    gallery: Gallery,
    *,
    trust: Trust | None = None,
    limits: MediaLimits | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Write images, film, page and numbers of an explanation into a folder: all or nothing.

    Parameters
    ----------
    folder
        Made if it is missing; files of the same names are replaced.
    video
        The original that was examined.
    examination, importance, gallery
        As for `draw_explanation`.
    trust
        What testing the explanation gave; None if it was not tested.
    limits
        Of decoding the video.
    progress
        Called with the share that is done, 0 to 1.

    Returns
    -------
    dict
        As in the file ``explanation.json``.

    Raises
    ------
    InputError
        If nothing was compared, or a file cannot be written.
    """
    profiles = _profiles(examination, gallery)
    with atomic_folder(folder) as stage:
        write_film(
            video,
            [t.sequence for t in examination.tracks],
            importance,
            examination.verdict,
            stage / FILM,
            limits=limits,
        )
        progress(0.4)
        drawings = _drawings(examination, importance, gallery, profiles)
        sections = []
        for done, drawing in enumerate(drawings, start=1):
            path = stage / f"{drawing.name}.png"
            save_figure(drawing.figure, path)
            image = PageImage.of_png(path, drawing.alt, drawing.caption)
            sections.append((drawing.title, image))
            progress(0.4 + 0.6 * done / len(drawings))
        story = {
            "card": VerdictCard(title="The verdict", verdict=examination.verdict, file=video.name),
            "sections": sections,
            "film": FILM,
            "scope": ExplainedScore.of(examination.verdict).said,
            "method": importance.method,
            "baseline": importance.baseline,
            "trust": trust,
        }
        write_atomically(stage / PAGE, render("explanation", story=story).encode())
        files = [PAGE, NUMBERS, FILM, *(f"{drawing.name}.png" for drawing in drawings)]
        answer = to_json(examination, importance, profiles, files, trust)
        text = json.dumps(answer, allow_nan=False, indent=1)
        write_atomically(stage / NUMBERS, (text + "\n").encode())
    return answer


def _profile_dict(profile: GaitProfile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "unit": "degrees, flexion positive, at 0 to 100 % of the gait cycle",
        "left_cycles": profile.left_cycles,
        "right_cycles": profile.right_cycles,
        "angles": {
            name: {"mean": profile.mean[row].tolist(), "sd": profile.sd[row].tolist()}
            for row, name in enumerate(profile.angles)
        },
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
