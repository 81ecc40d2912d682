"""Enrol, verify, identify: from a video file to a verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gaitproof.config import VerifySettings
from gaitproof.types import Verdict
from gaitproof.verify.bystanders import Referenced, add_references
from gaitproof.verify.claims import Comparer
from gaitproof.verify.enrolment import enroll
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.identification import identify
from gaitproof.verify.masks import MaskSignal
from gaitproof.verify.names import check_name
from gaitproof.verify.people import Person
from gaitproof.verify.probes import Prober
from gaitproof.verify.results import Enrolment, Examination, Identification
from gaitproof.verify.scene import Extractor, Progress
from gaitproof.verify.signals import SignalWeights, load_signal_weights

if TYPE_CHECKING:
    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.nets.encoder import Encoder, WindowEncoder
    from gaitproof.pose.cache import PoseCache


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
    weights
        Join joints and silhouettes; the joints decide alone if None.
    site
        Name of the place where everything is filmed; people of one place are references for each
        other (`gaitproof.verify.others`). Without it only cameras tell footage apart.

    Examples
    --------
    >>> import gaitproof as gp
    >>> verifier = gp.Verifier.open("gallery.db")  # doctest: +SKIP
    >>> verifier.enroll("ann", ["ann1.mp4", "ann2.mp4"])  # doctest: +SKIP
    >>> verifier.verify("new.mp4", claim="ann").decision.exit_status  # doctest: +SKIP
    0
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
        weights: SignalWeights | None = None,
        site: str = "",
    ) -> None:
        self.gallery = gallery
        self.encoder = encoder
        self.settings = settings
        self.cache = cache
        self._prober = Prober(encoder, settings, cache, extractor, site)
        self._masks = MaskSignal(mask_encoder, settings.silhouettes)
        self._weights = weights

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
        weights: SignalWeights | str | Path | None = None,
        site: str = "",
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
        weights
            Join joints and silhouettes: loaded ones or their file; None for the shipped ones.
        site
            Name of the place where everything is filmed.

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
            weights=weights if isinstance(weights, SignalWeights) else load_signal_weights(weights),
            site=site,
        )

    def reading(self, extractor: Extractor) -> Self:
        """Return a verifier that differs in what turns a video into landmark tracks."""
        other = copy(self)
        other._prober = replace(self._prober, extractor=extractor, cache=None)
        return other

    def enroll(
        self,
        name: str,
        videos: Sequence[str | Path],
        *,
        person: Person = "auto",
        names: Sequence[str] | None = None,
        progress: Progress | None = None,
        face_model: FaceForgeryModel | None = None,
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
        names
            What gallery and answer call the videos; their paths if None.
        progress
            Called with the share that is done, 0 to 1, over all videos.
        face_model
            Scores the person's face in each video, so that later ones can be taken relative to
            them; None keeps nothing of faces.

        Raises
        ------
        InputError
            If a video cannot be read, or its walk cannot be used; nothing is stored then.
        GalleryError
            If the name is not allowed or the gallery cannot be written.
        ModelError
            If it was not measured what genuine video tells of the face model's scores.
        """
        return enroll(
            self.gallery,
            self._prober,
            self._masks,
            name,
            videos,
            person=person,
            names=names,
            progress=progress,
            face_model=face_model,
        )

    def add_references(
        self, footage: str, videos: Sequence[str | Path], *, progress: Progress | None = None
    ) -> Referenced:
        """Keep everybody in videos, who must not be enrolled, as people to compare relative to."""
        check_name(footage)
        self.gallery.check_writable()
        return add_references(
            self.gallery, self._prober, self._masks, footage, videos, progress=progress
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
            Called with the share that is done, 0 to 1.

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
        probe = self._prober.probe(video, person, progress)
        comparer = self._comparer
        judged = comparer.try_claim(comparer.look(str(video), probe, begun), name)
        return Examination(
            verdict=judged.verdict,
            tracks=probe.tracks,
            windows=probe.windows,
            embeddings=probe.embeddings,
            template=judged.template,
            silhouettes=probe.silhouettes,
            everybody=probe.everybody,
            references=None if judged.compared is None else judged.compared.vectors,
            filming=probe.filming,
        )

    def identify(
        self,
        video: str | Path,
        *,
        top: int = 5,
        person: Person = "auto",
        progress: Progress | None = None,
    ) -> Identification:
        """List who of the gallery the person in a video may be, by the evidence of `verify`.

        Somebody is named only if the evidence supports this one person; otherwise the answer is
        INCONCLUSIVE. Identities with templates of another model or pose estimator are left out
        and counted in the notes; so are recordings that are the probe file itself.

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
        return identify(
            self._comparer,
            self._prober,
            video,
            top=top,
            person=person,
            progress=progress,
        )

    @property
    def _comparer(self) -> Comparer:
        least = self.settings.quality.min_template_windows
        return Comparer(self.gallery, self.encoder, self._masks, self._weights, least)
