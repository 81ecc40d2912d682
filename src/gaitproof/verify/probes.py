"""From a video to one person's embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import QualityGate, VerifySettings
from gaitproof.errors import ModelError
from gaitproof.gait.checks import check_measures, rotation_reason
from gaitproof.gait.quality import assess, usable_windows
from gaitproof.types import (
    GaitWindows,
    PoseSequence,
    QualityReport,
    SeenPerson,
    SilhouetteSequence,
)
from gaitproof.verify.filming import (
    Filming,
    describe_filming,
    estimated_of,
    mean_motion,
    mean_spreads,
)
from gaitproof.verify.masks import chosen_masks
from gaitproof.verify.others import IN_VIDEO, Other
from gaitproof.verify.people import Choice, Person, seen_beside, seen_people
from gaitproof.verify.scene import Extractor, Progress, Scene
from gaitproof.verify.scoring import mean_direction

if TYPE_CHECKING:
    from gaitproof.nets.encoder import Encoder
    from gaitproof.pose.cache import PoseCache
    from gaitproof.pose.cleaning import CleanTrack

Float32 = NDArray[np.float32]


def part_of(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Return what reports the share of one part of `count` as that of the whole."""
    if progress is None or count == 1:
        return progress
    return lambda share: progress((number + share) / count)


_ADDITIVE: Final = frozenset(
    {
        "tracked_seconds",
        "gait_cycles",
        "windows",
        "usable_windows",
        "leg_swaps_repaired",
        "filled",
        "dropped",
    }
)
"""Quality measures that add up over the tracks of one person; the others are averaged."""

THINNED: Final = (
    "One of every {every} frames was examined, {rate:.0f} a second. `pose: {{enough_rate: null}}` "
    "in the settings examines each."
)


@dataclass(frozen=True, eq=False)
class Probe:
    """One person of one video, up to the embeddings; `reason` if there are none.

    `silhouettes` are empty where the walk cannot be used for them either. `filming` is None without
    embeddings. `beside` are the people seen together with this one whose walks can be used, for
    models that compare relative to others. `people` are all who were seen, and `everybody` their
    raw landmarks in the order of their numbers.
    """

    sha256: str
    estimator: str
    tracks: tuple[CleanTrack, ...]
    windows: GaitWindows
    embeddings: Float32
    quality: QualityReport
    reason: str
    notes: tuple[str, ...]
    silhouettes: tuple[SilhouetteSequence, ...] = ()
    filming: Filming | None = None
    beside: tuple[Other, ...] = ()
    people: tuple[SeenPerson, ...] = ()
    everybody: tuple[PoseSequence, ...] = ()


@dataclass(frozen=True, eq=False)
class Prober:
    """Turns videos into probes.

    Parameters
    ----------
    encoder
        Of the joints.
    settings
        Limits, pose, cleaning and quality gate.
    cache
        Pose cache handed to the extractor, or None.
    extractor
        Turns a video into landmark tracks.
    site
        Name of the place where the videos are filmed; empty if it is not known.
    """

    encoder: Encoder
    settings: VerifySettings
    cache: PoseCache | None
    extractor: Extractor
    site: str = ""

    def probe(self, video: str | Path, person: Person, progress: Progress | None = None) -> Probe:
        """Embed one person of a video; without embeddings if the walk cannot be used.

        Raises
        ------
        InputError
            If the video cannot be read or the person does not exist in it.
        """
        scene = Scene.look(
            video, self.settings, self.extractor, cache=self.cache, progress=progress
        )
        choice = scene.choose(person)
        indices = _usable_part(choice, scene.reports)
        probe = replace(
            self._embedded(scene, indices, choice),
            people=seen_people(scene.summaries(), indices),
            everybody=tuple(scene.extraction.tracks),
        )
        if not any(report.usable for report in scene.reports):
            return self._explained(probe, scene)
        if self.encoder.card.evidence is None or not len(probe.embeddings):
            return probe
        beside = seen_beside(scene.summaries(), choice.indices)
        others = [self._embedded(scene, (i,), choice) for i in beside]
        return replace(
            probe,
            beside=tuple(
                Other(
                    mean_direction(one.embeddings),
                    mean_spreads([one.filming]),
                    IN_VIDEO,
                    motion=mean_motion([one.filming]),
                )
                for one in others
                if len(one.embeddings)
            ),
        )

    def _explained(self, probe: Probe, scene: Scene) -> Probe:
        """Say that a video is rotated, if that is why nobody in it can be used."""
        from gaitproof.pose.extract import Extraction
        from gaitproof.pose.rotation import measure_tilt

        extraction = scene.extraction
        if not isinstance(extraction, Extraction):  # scripted: there is no video to look at
            return probe
        tilt = measure_tilt(extraction.video.path, self.settings)
        reason = rotation_reason(tilt)
        if not reason:
            return probe
        measures = {**probe.quality.measures, "tilt": tilt}
        quality = replace(
            probe.quality,
            reasons=(reason,),
            measures=measures,
            checks=check_measures(measures, self.settings.quality, {"tilt"}),
        )
        return replace(probe, reason=reason, quality=quality)

    def everybody(self, video: str | Path, progress: Progress | None = None) -> list[Probe]:
        """Embed everybody in a video; who has no embeddings cannot be used.

        A person who is the only candidate is one, however many tracks they left.

        Raises
        ------
        InputError
            If the video cannot be read.
        """
        scene = Scene.look(
            video, self.settings, self.extractor, cache=self.cache, progress=progress
        )
        choice = scene.choose("auto")
        parts = [_usable_part(choice, scene.reports)]
        if not parts[0]:
            parts = [(i,) for i, report in enumerate(scene.reports) if report.usable]
        return [self._embedded(scene, part, choice) for part in parts if part]

    def _embedded(self, scene: Scene, indices: tuple[int, ...], choice: Choice) -> Probe:
        extraction, cleaned, reports = scene.extraction, scene.cleaned, scene.reports
        notes = (*extraction.video.notes, *choice.notes)
        if not indices:
            return Probe(
                sha256=extraction.video.sha256,
                estimator="",
                tracks=(),
                windows=GaitWindows.empty(),
                embeddings=np.zeros((0, self.encoder.card.embedding_size), np.float32),
                quality=QualityReport(usable=False, reasons=(choice.reason,)),
                reason=choice.reason,
                notes=notes,
            )
        first = extraction.tracks[indices[0]]
        quality = _joined([reports[i] for i in indices], self.settings.quality)
        every = estimated_of(first, extraction.video.frame_rate)
        if quality.usable and every > 1:
            notes = (*notes, THINNED.format(every=every, rate=first.frame_rate))
        reason = "" if quality.usable else " ".join(quality.reasons) or "The walk cannot be used."
        flat = not first.has_depth
        reason = reason or self.encoder.card.misfit(flat=flat)
        parts = []
        for i in indices if not reason else ():
            parts.append(usable_windows(cleaned[i], reports[i]))
        windows = GaitWindows.concatenate(parts)
        walks = quality.usable or all(self._is_only_small(cleaned[i]) for i in indices)
        return Probe(
            sha256=extraction.video.sha256,
            estimator=first.estimator,
            tracks=tuple(cleaned[i] for i in indices),
            windows=windows,
            embeddings=self._embed(windows),
            quality=quality,
            reason=reason,
            notes=notes,
            silhouettes=chosen_masks(extraction.silhouettes, indices) if walks else (),
            filming=describe_filming(first, windows, self.site, extraction.video.frame_rate)
            if len(windows)
            else None,
        )

    def _is_only_small(self, track: CleanTrack) -> bool:
        """Whether a walk is too small for joints, but else fit, so that masks may be compared."""
        least = min(self.settings.quality.min_person_height, self.settings.silhouettes.min_height)
        gate = self.settings.quality.model_copy(update={"min_person_height": least})
        return assess(track, gate).usable

    def _embed(self, windows: GaitWindows) -> Float32:
        size = self.encoder.card.embedding_size
        if not len(windows):
            return np.zeros((0, size), np.float32)
        embeddings = np.asarray(self.encoder.embed(windows), np.float32)
        if embeddings.shape != (len(windows), size) or not np.isfinite(embeddings).all():
            raise ModelError(
                "The encoder gave embeddings that cannot be used.",
                expected=f"finite numbers of shape ({len(windows)}, {size})",
                actual=str(embeddings.shape),
            )
        return embeddings


def _usable_part(choice: Choice, reports: Sequence[QualityReport]) -> tuple[int, ...]:
    """Of several joined tracks take the usable ones; if there are none, the first."""
    usable = tuple(i for i in choice.indices if reports[i].usable)
    return usable or choice.indices[:1]


def _joined(reports: Sequence[QualityReport], gate: QualityGate) -> QualityReport:
    """Join the quality of several tracks of one person, of which all or none is usable."""
    if len(reports) == 1:
        return reports[0]
    weights = np.array([max(r.usable_windows, 1) for r in reports], dtype=np.float64)
    measures = {}
    for name in sorted({m for r in reports for m in r.measures}):
        values = np.array([r.measures.get(name, np.nan) for r in reports])
        known = np.isfinite(values)
        if name in _ADDITIVE:
            measures[name] = float(values[known].sum())
        elif known.any():
            measures[name] = float(np.average(values[known], weights=weights[known]))
    return QualityReport(
        usable=all(r.usable for r in reports),
        reasons=tuple(dict.fromkeys(reason for r in reports for reason in r.reasons)),
        warnings=tuple(dict.fromkeys(warning for r in reports for warning in r.warnings)),
        windows=tuple(sorted((w for r in reports for w in r.windows), key=lambda w: w.start)),
        measures=measures,
        checks=check_measures(
            measures, gate, {c.name for r in reports if r.reasons for c in r.checks if not c.passed}
        ),
    )
