"""Scripted silhouettes: masks of one width, and an encoder that measures it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scripted import ScriptedExtractor, make_card

from gaitproof.types import ErrorRate, JoinedEvidence, SignalEvidence, SilhouetteSequence, Verdict
from gaitproof.verify.verifier import Verifier


class MaskEncoder:
    """Embeds masks by their width, as an angle."""

    cohort = None

    def __init__(self, model_id: str = "masks-1") -> None:
        self.card = make_card(
            model_id, embedding_size=2, signal="silhouettes", mean=(), std=(), dimensions=2
        )

    def embed(self, windows):
        angle = np.pi * windows.masks.mean(axis=(1, 2, 3))
        return np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


class MaskedExtractor(ScriptedExtractor):
    """Gives everybody masks of one width and height."""

    def __init__(self, width: int = 20, height: float = 200.0) -> None:
        super().__init__()
        self.width = width
        self.height = height

    def __call__(self, path, settings, *, cache, progress):
        extraction = super().__call__(path, settings, cache=cache, progress=progress)
        return replace(
            extraction, silhouettes=tuple(self.masks(track) for track in extraction.tracks)
        )

    def masks(self, track) -> SilhouetteSequence:
        masks = np.zeros((len(track), 64, 44), bool)
        masks[:, :, : self.width] = True
        height = np.full(len(track), self.height)
        return SilhouetteSequence.from_masks(
            track.timestamps, masks, height=height, estimator=f"{track.estimator}+silhouettes/1"
        )


def open_verifier(gallery, encoder, extractor=None, masks=None) -> Verifier:
    return Verifier.open(
        gallery,
        encoder=encoder,
        extractor=extractor or MaskedExtractor(),
        mask_encoder=masks or MaskEncoder(),
    )


def joined_of(verdict: Verdict, log10_lr: float = 0.7) -> Verdict:
    """Return the same verdict as joints and silhouettes together would give it."""
    rate = ErrorRate(0.02, 0.0, 0.05)
    signals = tuple(
        SignalEvidence(name, 0.8, 1.2, 1.5, 0.6, 5, f"{name}-1", "0" * 16, 2, counts=counts)
        for name, counts in (("joints", None), ("silhouettes", log10_lr / 2))
    )
    joined = JoinedEvidence(
        log10_lr=log10_lr,
        log10_lr_bound=1.0,
        accepts_from=0.5,
        wrong_nonmated=rate,
        wrong_mated=rate,
        undecided_nonmated=rate,
        undecided_mated=rate,
        measured_on="ten made people",
    )
    return replace(verdict, log10_lr=log10_lr, log10_lr_bound=1.0, signals=signals, joined=joined)
