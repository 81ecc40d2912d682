"""What a person's silhouettes say, beside the joints: embeddings, template and evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import SilhouetteGate
from gaitproof.gait.silhouettes import assess_silhouettes, silhouette_windows, usable_frames
from gaitproof.nets.card import ModelCard
from gaitproof.nets.encoder import WindowEncoder
from gaitproof.types import QualityReport, SignalEvidence, SilhouetteSequence
from gaitproof.types.silhouette_windows import SilhouetteWindows
from gaitproof.verify.evidence import compare_relative, state, within_tested
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.movement import average_walkers, weigh_movement
from gaitproof.verify.others import Other, References
from gaitproof.verify.scoring import mean_direction
from gaitproof.verify.searching import LARGE
from gaitproof.verify.signals import SILHOUETTES
from gaitproof.verify.templates import Recording, Template, shortfall, without_file


@dataclass(frozen=True, eq=False)
class MaskProbe:
    """One person's silhouettes in one video, up to the embeddings; `reason` if there are none."""

    sha256: str
    estimator: str
    embeddings: NDArray[np.float32]
    starts: NDArray[np.float64]
    quality: QualityReport
    reason: str
    windows: SilhouetteWindows
    frame_rate: float

    def recording(self, path: str, model_id: str) -> Recording:
        """Return what is enrolled of it."""
        return Recording(
            sha256=self.sha256,
            path=path,
            model_id=model_id,
            estimator=self.estimator,
            embeddings=self.embeddings,
            starts=self.starts,
            quality=self.quality.measures,
        )


@dataclass(frozen=True, eq=False)
class KnownMasks:
    """Directions of silhouettes, of people whose joints are known as well.

    Parameters
    ----------
    kept
        Of reference footage, by SHA-256 of the file and number of the person in it.
    enrolled
        Of the gallery's people, by name.
    """

    kept: Mapping[tuple[str, int], NDArray[np.float32]] = field(default_factory=dict)
    enrolled: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def of(self, people: Sequence[Other], size: int) -> References:
        """Return those of some people, of length `size`; who has none is left out."""
        known = []
        for one in people:
            vectors = [self.kept[place] for place in one.places if place in self.kept]
            if not one.places and one.name in self.enrolled:
                vectors = [self.enrolled[one.name]]
            if vectors:
                known.append((one, mean_direction(np.stack(vectors))))
        return References(
            np.stack([vector for _, vector in known]) if known else np.zeros((0, size), np.float32),
            people=tuple(one for one, _ in known),
        )


def chosen_masks(
    masks: Sequence[SilhouetteSequence], indices: Sequence[int]
) -> tuple[SilhouetteSequence, ...]:
    """Return the silhouettes of some tracks; none if one of them has none."""
    chosen = tuple(masks[i] for i in indices) if masks else ()
    return chosen if all(one.present.any() for one in chosen) else ()


class MaskSignal:
    """Compares silhouettes; the model is loaded when the first are seen.

    Parameters
    ----------
    encoder
        Of silhouettes; the shipped one if None.
    gate
        Which masks can be compared.
    """

    def __init__(self, encoder: WindowEncoder | None, gate: SilhouetteGate) -> None:
        self._given = encoder
        self._gate = gate

    @cached_property
    def encoder(self) -> WindowEncoder:
        """The model.

        Raises
        ------
        ModelError
            If it cannot be loaded.
        """
        if self._given is not None:
            return self._given
        from gaitproof.nets.onnx import SilhouetteEncoder

        return SilhouetteEncoder.load(SILHOUETTES)  # the shipped model has the signal's name

    @property
    def given(self) -> tuple[ModelCard, ...]:
        """The card of a model that is not the shipped one."""
        return () if self._given is None else (self._given.card,)

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.encoder.card

    def probe(self, sha256: str, tracks: Sequence[SilhouetteSequence]) -> MaskProbe:
        """Embed a person's silhouettes.

        Parameters
        ----------
        sha256
            Of the video.
        tracks
            The person's, at least one.
        """
        parts: list[SilhouetteWindows] = []
        reports = [assess_silhouettes(track, self._gate) for track in tracks]
        for track, report in zip(tracks, reports, strict=True):
            if report.usable:
                parts.append(silhouette_windows(track.select(usable_frames(track, self._gate))))
        best = max(reports, key=lambda r: r.measures.get("usable_mask_seconds", 0.0))
        reason = "" if best.usable else " ".join(best.reasons)
        windows = SilhouetteWindows.concatenate(parts)
        if not len(windows) and not reason:
            reason = "The masks follow each other for too short a time."
        nothing = np.zeros((0, self.card.embedding_size), np.float32)
        return MaskProbe(
            sha256=sha256,
            estimator=tracks[0].estimator,
            embeddings=self.encoder.embed(windows) if len(windows) else nothing,
            starts=windows.starts,
            quality=best,
            reason=reason,
            windows=windows,
            frame_rate=tracks[0].frame_rate,
        )

    def recordings(
        self, files: Iterable[tuple[str, str, tuple[SilhouetteSequence, ...]]]
    ) -> list[Recording]:
        """Return what silhouettes add to an enrolment: those that can be compared.

        Parameters
        ----------
        files
            Path, SHA-256 and the person's silhouettes of every video.
        """
        probed = [(path, self.probe(sha256, tracks)) for path, sha256, tracks in files if tracks]
        return [one.recording(path, self.card.model_id) for path, one in probed if not one.reason]

    def compare(
        self,
        gallery: Gallery,
        name: str,
        probe: MaskProbe,
        people: Sequence[Other],
        known: KnownMasks,
        *,
        weigh: bool = True,
        apart: float | None = None,
    ) -> SignalEvidence:
        """Say what silhouettes alone say of a claim.

        Parameters
        ----------
        gallery
            That holds templates and reference footage.
        name
            The claimed identity.
        probe
            From `probe`.
        people
            Whom the joints were compared relative to: filmed as probe and template were, and no
            party to the claim. Silhouettes are relative to the same, as far as theirs are kept.
        known
            Their silhouettes.
        weigh
            Whether it is told what the score rests on.
        apart
            Degrees between the views of probe and template, by the joints.
        """
        template: Template | None = None
        reason = probe.reason
        if not reason:
            template, reason = self._template(gallery, name, probe)
        compared = share = None
        card = self.card
        if template is not None and not reason:
            relative = known.of(people, card.embedding_size)
            compared = compare_relative(self.encoder, probe.embeddings, template.vector, relative)
            if card.evidence is not None:
                compared = within_tested(compared, card.evidence, probe.estimator, probe.frame_rate)
            compared = replace(compared, apart=apart)
            averages = average_walkers() if weigh else None
            if averages is not None:
                share = weigh_movement(
                    self.encoder,
                    probe.windows,
                    template.vector,
                    averages,
                    relative.vectors,
                    scaled=card.evidence is not None and card.evidence.scaled,
                )
        windows = len(probe.embeddings)
        return state(
            SILHOUETTES, card, compared, reason, windows=windows, template=template, rests_on=share
        )

    def known(self, gallery: Gallery, probe: MaskProbe, people: Sequence[Other]) -> KnownMasks:
        """Return the silhouettes of people whose joints a comparison may be relative to.

        Parameters
        ----------
        gallery
            That holds templates and reference footage.
        probe
            Whose own file is left out.
        people
            See `gaitproof.verify.others.find_others`.
        """
        model_id, estimator = self.card.model_id, probe.estimator
        if self.card.evidence is None or not people:
            return KnownMasks()
        names = {one.name for one in people if one.name}
        if names and gallery.count() > LARGE:
            templates = gallery.excerpt(sorted(names)).templates(model_id, estimator)
        else:
            templates = gallery.templates(model_id, estimator) if names else ()
        return KnownMasks(
            {(p.sha256, p.person): p.vector for p in gallery.references(model_id, estimator)},
            {t.name: t.vector for t in templates if probe.sha256 not in t.sources},
        )

    def _template(
        self, gallery: Gallery, name: str, probe: MaskProbe
    ) -> tuple[Template | None, str]:
        """Return the template without the probe's own file, or why there is none."""
        model_id = self.card.model_id
        current = [t for t in gallery.history(name).templates if t.superseded is None]
        if not any((t.model_id, t.estimator) == (model_id, probe.estimator) for t in current):
            return None, (
                f"No silhouettes of {name} are enrolled for this model; enrol the videos again."
            )
        enrolled = gallery.template(name, model_id, probe.estimator)
        template = without_file(gallery, enrolled, probe.sha256)
        return template, shortfall(name, template, 1)
