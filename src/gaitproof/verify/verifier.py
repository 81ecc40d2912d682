"""Enrol, verify, identify: from a video file to a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

import gaitproof
from gaitproof.config import VerifySettings
from gaitproof.errors import GaitproofError, GalleryError, InputError, ModelError
from gaitproof.gait.cycles import measure_profile, pool_profiles
from gaitproof.gait.features import compute_windows
from gaitproof.types import (
    Decision,
    ErrorRate,
    GaitWindows,
    PoseSequence,
    QualityReport,
    SignalEvidence,
    SilhouetteSequence,
    Verdict,
)
from gaitproof.verify.calibration import log10_likelihood_ratio
from gaitproof.verify.decision import TOO_CLOSE, decide
from gaitproof.verify.gallery import Added, Gallery
from gaitproof.verify.masks import MaskSignal, chosen_masks
from gaitproof.verify.names import check_name
from gaitproof.verify.normalisation import Normalisation
from gaitproof.verify.people import Choice, Person, choose, summarise
from gaitproof.verify.templates import Recording, Template, build_template

if TYPE_CHECKING:
    from gaitproof.nets.encoder import Encoder, WindowEncoder
    from gaitproof.pose.cache import PoseCache
    from gaitproof.pose.cleaning import CleanTrack

Float32 = NDArray[np.float32]

Progress = Callable[[float], None]
"""Told the share of a clip's pose estimation that is done, 0 to 1."""

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


class ExtractedVideo(Protocol):
    """The part of `gaitproof.media.probe.VideoInfo` that is needed here."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Plain-language remarks."""
        ...


class Extracted(Protocol):
    """The part of `gaitproof.pose.extract.Extraction` that is needed here."""

    @property
    def video(self) -> ExtractedVideo:
        """The file."""
        ...

    @property
    def tracks(self) -> tuple[PoseSequence, ...]:
        """Raw landmarks per person."""
        ...

    @property
    def silhouettes(self) -> tuple[SilhouetteSequence, ...]:
        """The same people's masks; empty if there are none."""
        ...


Extractor = Callable[..., Extracted]
"""``extractor(path, settings, cache=..., progress=...)``."""


@dataclass(frozen=True)
class EnrolledVideo:
    """What one video gave to an enrolment; `added` is False if it was enrolled already."""

    path: str
    sha256: str
    added: bool
    windows: int
    quality: QualityReport
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Enrolment:
    """The result of `Verifier.enroll`.

    Parameters
    ----------
    name
        The identity, spelled as first enrolled.
    template_id
        The template now in force; None if every file was enrolled already.
    model_id
        The weights that made it.
    videos
        One entry per video, in the order given.
    notes
        Plain-language remarks.
    """

    name: str
    template_id: str | None
    model_id: str
    videos: tuple[EnrolledVideo, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Candidate:
    """One identity in the answer of `Verifier.identify`."""

    name: str
    similarity: float
    log10_lr: float
    accepted: bool
    template_id: str
    template_recordings: int


@dataclass(frozen=True)
class Identification:
    """Who of the gallery walks most like the person in a video; best first.

    `reason` says why nobody could be compared; it is empty otherwise. `threshold` is the similarity
    from which a candidate is accepted, the upper end of the inconclusive band where the model has
    one, and `fmr` the chance that somebody else's walk is.
    """

    candidates: tuple[Candidate, ...]
    reason: str
    compared: int
    threshold: float
    log10_lr_bound: float
    fmr: ErrorRate
    quality: QualityReport
    model_id: str
    source: str
    source_sha256: str
    software: str
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Probe:
    """One person of one video, up to the embeddings; `reason` if there are none."""

    sha256: str
    estimator: str
    tracks: tuple[CleanTrack, ...]
    windows: GaitWindows
    embeddings: Float32
    quality: QualityReport
    reason: str
    notes: tuple[str, ...]
    silhouettes: tuple[SilhouetteSequence, ...] = ()


@dataclass(frozen=True, eq=False)
class Examination:
    """A verdict with what it was made from, for explanations and reports.

    Parameters
    ----------
    verdict
        What `Verifier.verify` answers.
    tracks
        Cleaned tracks of the person that was examined; empty if it could not be told who is meant.
    windows
        The windows that were scored, of all tracks; none if the walk could not be used.
    embeddings
        Shape (N, D), float32, unit length, one row per window.
    template
        What the probe was compared with; None if it was not compared.
    silhouettes
        Of the same tracks; empty if there are none.
    """

    verdict: Verdict
    tracks: tuple[CleanTrack, ...]
    windows: GaitWindows
    embeddings: Float32
    template: Template | None
    silhouettes: tuple[SilhouetteSequence, ...] = ()


class Verifier:
    """Answers whether a video shows the person it claims to show.

    Parameters
    ----------
    gallery
        Who is enrolled.
    encoder
        Turns gait windows into embeddings; its card holds threshold and calibration.
    settings
        Limits, pose, cleaning and quality gate.
    cache
        Pose cache handed to the extractor, or None.
    extractor
        Turns a video into landmark tracks; `gaitproof.pose.extract.extract`, or a scripted one.
    mask_encoder
        Turns windows of silhouettes into embeddings; the shipped one if None.
    """

    def __init__(
        self,
        gallery: Gallery,
        encoder: Encoder,
        settings: VerifySettings,
        *,
        cache: PoseCache | None = None,
        extractor: Extractor,
        mask_encoder: WindowEncoder | None = None,
    ) -> None:
        self.gallery = gallery
        self.encoder = encoder
        self.settings = settings
        self._cache = cache
        self._extractor = extractor
        self._masks = MaskSignal(mask_encoder, settings.silhouettes)

    @classmethod
    def open(
        cls,
        gallery: Gallery | str | Path,
        *,
        encoder: Encoder | str | Path | None = None,
        settings: VerifySettings | None = None,
        cache: PoseCache | None = None,
        extractor: Extractor | None = None,
        mask_encoder: WindowEncoder | None = None,
    ) -> Self:
        """Open a gallery and load the weights.

        Parameters
        ----------
        gallery
            An open gallery, or its path or URL.
        encoder
            A loaded encoder, the name of shipped weights or a folder with weights; None for the
            shipped default.
        settings
            None for the defaults.
        cache
            Pose cache handed to the extractor, or None.
        extractor
            None for `gaitproof.pose.extract.extract`.
        mask_encoder
            Of silhouettes; None for the shipped one, loaded when the first silhouettes are seen.

        Raises
        ------
        GalleryError
            If the gallery exists and cannot be used.
        ModelError
            If the weights are missing or broken.
        """
        opened = gallery if isinstance(gallery, Gallery) else Gallery.open(gallery)
        if encoder is None or isinstance(encoder, str | Path):
            from gaitproof.nets.onnx import OnnxEncoder

            loaded: Encoder = OnnxEncoder.load(encoder)
        else:
            loaded = encoder
        if extractor is None:
            from gaitproof.pose.extract import extract

            extractor = extract
        return cls(
            opened,
            loaded,
            settings if settings is not None else VerifySettings(),
            cache=cache,
            extractor=extractor,
            mask_encoder=mask_encoder,
        )

    def enroll(
        self,
        name: str,
        videos: Sequence[str | Path],
        *,
        person: Person = "auto",
        progress: Progress | None = None,
    ) -> Enrolment:
        """Enrol a person from one or more videos, as a whole or not at all.

        Every video is processed first; then everything is stored in one transaction. A file that
        is enrolled already is left out and reported.

        Parameters
        ----------
        name
            The identity; added to if it exists.
        videos
            Paths, at least one.
        person
            Which person of every video, see `gaitproof.verify.people.Person`.
        progress
            Told the share that is done, 0 to 1, over all videos.

        Raises
        ------
        InputError
            If a video cannot be read, or its walk cannot be used; nothing is stored then.
        GalleryError
            If the name is not allowed or the gallery cannot be written.
        """
        check_name(name)
        if not videos:
            raise InputError("An enrolment needs at least one video.")
        self.gallery.check_writable()
        model_id = self.encoder.card.model_id
        probes = []
        for number, video in enumerate(videos):
            probe = self._probe(video, person, _part(progress, number, len(videos)))
            if probe.reason:
                raise InputError(
                    f"{str(video)!r} cannot be enrolled; nothing was stored.",
                    actual=probe.reason.rstrip("."),
                )
            probes.append(probe)
        estimators = sorted({p.estimator for p in probes})
        if len(estimators) > 1:
            raise InputError(
                "The videos were read by different pose estimators; nothing was stored.",
                actual=", ".join(estimators),
            )
        added = self.gallery.add(
            name,
            [
                Recording(
                    sha256=probe.sha256,
                    path=str(video),
                    model_id=model_id,
                    estimator=probe.estimator,
                    embeddings=probe.embeddings,
                    starts=probe.windows.starts,
                    quality=probe.quality.measures,
                    profile=pool_profiles(measure_profile(t.sequence) for t in probe.tracks),
                )
                for video, probe in zip(videos, probes, strict=True)
            ],
            self._masks.recordings(
                (str(video), probe.sha256, probe.silhouettes)
                for video, probe in zip(videos, probes, strict=True)
            ),
        )
        left_out = list(added.known)
        entries = []
        # of the same file given twice the later one is the one left out
        for video, probe in reversed(list(zip(videos, probes, strict=True))):
            known = probe.sha256 in left_out
            if known:
                left_out.remove(probe.sha256)
            entries.append(
                EnrolledVideo(
                    path=str(video),
                    sha256=probe.sha256,
                    added=not known,
                    windows=len(probe.embeddings),
                    quality=probe.quality,
                    notes=probe.notes,
                )
            )
        return Enrolment(
            name=added.name,
            template_id=added.template_id,
            model_id=model_id,
            videos=tuple(reversed(entries)),
            notes=self._enrolment_notes(added, name, estimators[0]),
        )

    def verify(
        self,
        video: str | Path,
        *,
        claim: str,
        person: Person = "auto",
        progress: Progress | None = None,
    ) -> Verdict:
        """Decide whether a video shows the person it claims to show.

        Parameters
        ----------
        video
            Path of the video.
        claim
            Name of the enrolled identity that the video claims to show.
        person
            Which person of the video, see `gaitproof.verify.people.Person`.
        progress
            Told the share that is done, 0 to 1.

        Returns
        -------
        Verdict
            INCONCLUSIVE with its reason where the material does not carry a decision.

        Raises
        ------
        GalleryError
            If the claimed identity is not enrolled, or its template was made by another model or
            pose estimator; no score is made then.
        InputError
            If the video cannot be read or `person` does not exist in it.
        """
        return self.examine(video, claim=claim, person=person, progress=progress).verdict

    def examine(
        self,
        video: str | Path,
        *,
        claim: str,
        person: Person = "auto",
        progress: Progress | None = None,
    ) -> Examination:
        """Decide as `verify` does, and keep what the verdict was made from."""
        begun = time.monotonic()
        name = self.gallery.resolve(claim)
        self.gallery.check_model(name, self.encoder.card.model_id)
        probe = self._probe(video, person, progress)
        template: Template | None = None
        notes = list(probe.notes)
        reason = probe.reason
        score = None
        if not reason:
            enrolled = self.gallery.template(name, self.encoder.card.model_id, probe.estimator)
            template, own = self._without_probe(enrolled, probe)
            notes.extend(own)
            reason = self._template_shortfall(name, template)
        if template is not None and not reason:
            measure = Normalisation.of(self.encoder)
            score = measure.similarity(probe.embeddings, template.vector)
        verdict = self._verdict(name, video, probe, template, score, reason, tuple(notes), begun)
        return Examination(
            verdict=verdict,
            tracks=probe.tracks,
            windows=probe.windows,
            embeddings=probe.embeddings,
            template=template,
            silhouettes=probe.silhouettes,
        )

    def identify(
        self,
        video: str | Path,
        *,
        top: int = 5,
        person: Person = "auto",
        progress: Progress | None = None,
    ) -> Identification:
        """List who of the gallery walks most like the person in a video.

        Identities with templates of another model or pose estimator are left out and counted in
        the notes; so are recordings that are the probe file itself.

        Parameters
        ----------
        video
            Path of the video.
        top
            Number of candidates, at least 1.
        person, progress
            As in `verify`.

        Raises
        ------
        GalleryError
            If nobody is enrolled.
        InputError
            If the video cannot be read, or `top` is below 1.
        """
        begun = time.monotonic()
        if top < 1:
            raise InputError("The number of candidates must be at least 1.", actual=str(top))
        names = self.gallery.names()
        if not names:
            raise GalleryError(
                f"The gallery {self.gallery.location!r} is empty.",
                hint="enrol somebody with 'gaitproof enroll NAME VIDEO'",
            )
        probe = self._probe(video, person, progress)
        card, measure = self.encoder.card, Normalisation.of(self.encoder)
        found: list[Candidate] = []
        notes = list(probe.notes)
        templates = () if probe.reason else self.gallery.templates(card.model_id, probe.estimator)
        thin = 0
        for enrolled in templates:
            template, own = self._without_probe(enrolled, probe)
            notes.extend(f"{enrolled.name}: {note}" for note in own)
            if template is None or self._template_shortfall(enrolled.name, template):
                thin += 1
                continue
            score = measure.similarity(probe.embeddings, template.vector)
            log10_lr = log10_likelihood_ratio(score, card.calibration, len(probe.embeddings))
            decision = decide(score, log10_lr, card.operating_point)
            found.append(
                Candidate(
                    name=enrolled.name,
                    similarity=score,
                    log10_lr=log10_lr,
                    accepted=decision is Decision.AUTHENTIC,
                    template_id=template.template_id,
                    template_recordings=len(template.sources),
                )
            )
        incompatible = 0 if probe.reason else len(names) - len(templates)
        if incompatible:
            notes.append(
                f"{incompatible} identities left out: enrolled with another model or pose "
                "estimator."
            )
        if thin:
            notes.append(f"{thin} identities left out: template of too little material.")
        reason = probe.reason
        if not reason and not found:
            reason = "No enrolled identity can be compared with this video."
        point, band = card.operating_point, card.operating_point.inconclusive
        return Identification(
            candidates=tuple(sorted(found, key=lambda c: -c.similarity)[:top]),
            reason=reason,
            compared=len(found),
            threshold=point.threshold if band is None else band.high,
            log10_lr_bound=card.calibration.log10_lr_bound,
            fmr=point.fmr if band is None else band.wrong_nonmated,
            quality=probe.quality,
            model_id=card.model_id,
            source=str(video),
            source_sha256=probe.sha256,
            software=f"gaitproof {gaitproof.__version__}",
            seconds=time.monotonic() - begun,
            notes=tuple(notes),
        )

    def _probe(self, video: str | Path, person: Person, progress: Progress | None) -> _Probe:
        from gaitproof.gait.quality import assess
        from gaitproof.pose.cleaning import clean

        extraction = self._extractor(video, self.settings, cache=self._cache, progress=progress)
        cleaned = [clean(track, self.settings.cleaning) for track in extraction.tracks]
        reports = [assess(c, self.settings.quality) for c in cleaned]
        remarks = extraction.video.notes
        choice = choose(
            [
                summarise(i, track, report.usable)
                for i, (track, report) in enumerate(zip(extraction.tracks, reports, strict=True))
            ],
            person,
        )
        indices = _usable_part(choice, reports)
        if not indices:
            return _Probe(
                sha256=extraction.video.sha256,
                estimator="",
                tracks=(),
                windows=GaitWindows.empty(),
                embeddings=np.zeros((0, self.encoder.card.embedding_size), np.float32),
                quality=QualityReport(usable=False, reasons=(choice.reason,)),
                reason=choice.reason,
                notes=(*remarks, *choice.notes),
            )
        quality = _joined([reports[i] for i in indices])
        reason = "" if quality.usable else " ".join(quality.reasons) or "The walk cannot be used."
        flat = not extraction.tracks[indices[0]].has_depth
        reason = reason or self.encoder.card.misfit(flat=flat)
        parts = []
        for i in indices if not reason else ():
            windows = compute_windows(cleaned[i].sequence)
            keep = np.array([w.usable for w in reports[i].windows], dtype=bool)
            parts.append(windows.select(keep))
        windows = GaitWindows.concatenate(parts)
        return _Probe(
            sha256=extraction.video.sha256,
            estimator=extraction.tracks[indices[0]].estimator,
            tracks=tuple(cleaned[i] for i in indices),
            windows=windows,
            embeddings=self._embed(windows),
            quality=quality,
            reason=reason,
            notes=(*remarks, *choice.notes),
            silhouettes=chosen_masks(extraction.silhouettes, indices),
        )

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

    def _without_probe(
        self, template: Template, probe: _Probe
    ) -> tuple[Template | None, tuple[str, ...]]:
        """Take the probe's own file out of a template, and say so."""
        if probe.sha256 not in template.sources:
            return template, ()
        recordings = self.gallery.recordings(template.name, template.model_id, template.estimator)
        others = [r for r in recordings if r.sha256 != probe.sha256]
        note = (
            "This very file is enrolled; it was taken out of the template, since a file always "
            "matches itself."
        )
        return (build_template(template.name, others) if others else None), (note,)

    def _template_shortfall(self, name: str, template: Template | None) -> str:
        """Say why a template does not carry a decision; empty if it does."""
        if template is None:
            return f"This very file is the only recording of {name} that is enrolled."
        least = self.settings.quality.min_template_windows
        if template.windows < least:
            return (
                f"The template of {name} holds too little material ({template.windows} of at "
                f"least {least} two-second windows); enrol another recording."
            )
        return ""

    def _verdict(
        self,
        name: str,
        video: str | Path,
        probe: _Probe,
        template: Template | None,
        score: float | None,
        reason: str,
        notes: tuple[str, ...],
        begun: float,
    ) -> Verdict:
        card = self.encoder.card
        point = card.operating_point
        log10_lr = None
        decision = Decision.INCONCLUSIVE
        if score is not None:
            log10_lr = log10_likelihood_ratio(score, card.calibration, len(probe.embeddings))
            decision = decide(score, log10_lr, point)
            if decision is Decision.INCONCLUSIVE:
                reason = TOO_CLOSE
            elif log10_lr != 0 and (log10_lr > 0) != (decision is Decision.AUTHENTIC):
                notes += (
                    "The score lies between the decision threshold and the point where the "
                    "likelihood ratio changes sides: treat it as a borderline case.",
                )
        return Verdict(
            decision=decision,
            claim=name,
            reason=reason,
            similarity=score,
            log10_lr=log10_lr,
            log10_lr_bound=card.calibration.log10_lr_bound,
            threshold=point.threshold,
            fmr=point.fmr,
            fnmr=point.fnmr,
            quality=probe.quality,
            model_id=card.model_id,
            template_id=template.template_id if template is not None else "",
            template_recordings=len(template.sources) if template is not None else 0,
            source=str(video),
            source_sha256=probe.sha256,
            software=f"gaitproof {gaitproof.__version__}",
            seconds=time.monotonic() - begun,
            notes=notes,
            band=point.inconclusive,
            signals=self._signals(name, probe),
        )

    def _signals(self, name: str, probe: _Probe) -> tuple[SignalEvidence, ...]:
        """Say what other evidence says, where somebody walks who can be compared at all."""
        if probe.reason or not probe.silhouettes:
            return ()
        masks = self._masks.probe(probe.sha256, probe.silhouettes)
        return (self._masks.compare(self.gallery, name, masks),)

    def _enrolment_notes(self, added: Added, name: str, estimator: str) -> tuple[str, ...]:
        notes = []
        if added.name != name:
            notes.append(f"Added to the identity spelled {added.name!r}.")
        if added.known:
            noun = "file" if len(added.known) == 1 else "files"
            notes.append(f"Left out {len(added.known)} {noun} that {added.name!r} has already.")
        if added.also_enrolled_as:
            others = ", ".join(repr(n) for n in added.also_enrolled_as)
            notes.append(f"The same file is also enrolled as {others}; is that intended?")
        try:
            template = self.gallery.template(added.name, self.encoder.card.model_id, estimator)
        except GaitproofError:
            return tuple(notes)
        shortfall = self._template_shortfall(added.name, template)
        return (*notes, shortfall) if shortfall else tuple(notes)


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    if progress is None:
        return None
    return lambda share: progress((number + share) / count)


def _usable_part(choice: Choice, reports: Sequence[QualityReport]) -> tuple[int, ...]:
    """Of several joined tracks take the usable ones; if there are none, the first."""
    usable = tuple(i for i in choice.indices if reports[i].usable)
    return usable or choice.indices[:1]


def _joined(reports: Sequence[QualityReport]) -> QualityReport:
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
    )
