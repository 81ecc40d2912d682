"""From a recipe to a model of lips and sound with its card, and how well it tells forged sound."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

import numpy as np
import torch

from gaitproof import metrics
from gaitproof.data.face.clips import Label
from gaitproof.data.face.store import FaceStore
from gaitproof.errors import ConfigError
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.card import FaceClipSettings, FaceDetectorCard
from gaitproof.face.speech.model import INPUTS, OUTPUTS, TalkModel
from gaitproof.face.speech.sequences import FACE_SIDE, HEARD, LIPS_SIDE, SHAPES, Talk, pick_rows
from gaitproof.modelling.export import check_scores, export_onnx, write_model
from gaitproof.modelling.face.operating_point import fit_operating_point
from gaitproof.modelling.face.recipe import describe_sources
from gaitproof.train.face.config import TalkTrainSettings
from gaitproof.train.face.talk.fit import TrainedTalk, train_talk
from gaitproof.train.face.talk.sampler import TalkClip, read_clips
from gaitproof.train.stream import Stream, random_source

if TYPE_CHECKING:
    from gaitproof.train.training import RunOptions

VARIANTS: Final = 3
"""How often the sound of a clip is exchanged, and shifted, anew."""

LEAST_CLIPS: Final = 3
"""Genuine clips that must be held out for a threshold."""

_PROTOCOL: Final = (
    "Split by person. Weights and checkpoint: train and validation. Threshold, band and "
    "calibration: validation people, own sound against sound exchanged and shifted. Test people "
    "were not read."
)


@dataclass(frozen=True)
class TalkTrial:
    """A clip with some sound, and what is said of it.

    Parameters
    ----------
    kind
        ``genuine``, ``exchanged``, ``shifted``, or the manipulation of a forged clip.
    score
        Mean over its windows, 0 (forged) to 1 (genuine).
    keys
        Of all who are seen or heard.
    """

    kind: str
    score: float
    keys: tuple[str, ...]


def score_talks(
    model: TrainedTalk | TalkModel, clips: Sequence[TalkClip], settings: TalkTrainSettings
) -> list[TalkTrial]:
    """Score clips with their own sound, with that of others, and with their own shifted.

    Parameters
    ----------
    model
        A network.
    clips
        Of people it was not trained on.
    settings
        Its recipe; its seed draws whose sound, and how far it is shifted.
    """
    frames = settings.frames
    rng = random_source(settings.seed, step=0, stream=Stream.VALIDATION)
    genuine = [clip for clip in clips if clip.stored.clip.label is Label.REAL]
    trials = []
    for clip in clips:
        keys = clip.stored.clip.keys
        kind = "genuine" if clip in genuine else clip.stored.clip.manipulation
        trials.append(TalkTrial(kind, _mean(model, clip, frames), keys))
        others = [one for one in genuine if not set(one.stored.clip.keys) & set(keys)]
        if clip not in genuine or not others:
            continue
        for place in rng.permutation(len(others))[:VARIANTS]:
            other = others[int(place)]
            value = _mean(model, clip, frames, other)
            trials.append(TalkTrial("exchanged", value, (*keys, *other.stored.clip.keys)))
        for _ in range(VARIANTS):
            shift = float(rng.choice((-1, 1)) * rng.uniform(*settings.shift))
            moved = _mean(model, clip, frames, clip, shift)
            trials.append(TalkTrial("shifted", moved, keys))
    return trials


def _mean(
    model: TrainedTalk | TalkModel,
    clip: TalkClip,
    frames: int,
    heard: TalkClip | None = None,
    shift: float = 0.0,
) -> float:
    """Return the mean score of a clip's windows for which there is sound at such a shift."""
    heard = clip if heard is None else heard
    starts = list(clip.starts(frames))
    inside = [
        first
        for first in starts
        if clip.times[first] + shift >= 0
        and clip.times[first + frames - 1] + shift <= heard.sound.seconds
    ]
    scores = []
    for first in inside or starts:
        sound = pick_rows(heard.rows, clip.times[first : first + frames] + shift)
        scores.append(model.score(clip.window(first, frames, sound)).score)
    return float(np.mean(scores))


def to_scores(trials: Sequence[TalkTrial], kind: str = "") -> FaceScores:
    """Return genuine trials and those of a kind, all forged ones if it is empty."""
    chosen = [t for t in trials if t.kind == "genuine" or not kind or t.kind == kind]
    return FaceScores(
        np.array([trial.score for trial in chosen]),
        np.array([trial.kind == "genuine" for trial in chosen]),
        tuple(trial.keys for trial in chosen),
    )


def make_talk_model(
    settings: TalkTrainSettings,
    stores: Sequence[FaceStore],
    folder: Path,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    **run: Unpack[RunOptions],
) -> FaceDetectorCard:
    """Train a network of lips and sound, set its threshold, and write model and card.

    Parameters
    ----------
    settings
        The recipe.
    stores
        Prepared with sound, at one rate.
    folder
        Where ``model.onnx`` and ``card.json`` go.
    progress, **run
        As for `gaitproof.train.face.talk.fit.train_talk`.

    Returns
    -------
    FaceDetectorCard
        As written.

    Raises
    ------
    ConfigError
        If the stores do not go together or hold too few out, or for any reason of `train_talk`.
    ModelError
        If the exported network does not compute what the trained one does.
    """
    if not stores or len({(store.settings.rate, store.settings.detector) for store in stores}) > 1:
        raise ConfigError(
            "The stores do not go together.",
            expected="one or more stores of one rate and one detector",
            actual=f"{len(stores)} stores",
        )
    held_out = read_clips(stores, "validation", settings.frames)
    if sum(clip.stored.clip.label is Label.REAL for clip in held_out) < LEAST_CLIPS:
        raise ConfigError(
            "Too few genuine clips are held out to set a threshold on.",
            expected=f"{LEAST_CLIPS} or more in the split validation",
            hint="prepare more people, or with a larger share for validation",
        )
    trained = train_talk(stores, settings, progress, **run)
    scores = to_scores(score_talks(trained, held_out, settings))
    point, calibration = fit_operating_point(scores, people="people of the validation split")
    weights = to_onnx(trained)
    digest = hashlib.sha256(weights).hexdigest()
    images = max(store.settings.frames for store in stores)
    card = FaceDetectorCard(
        limits=settings.limits,
        model_id=f"{settings.name}-{settings.version}-{digest[:12]}",
        architecture=settings.architecture,
        weights_sha256=digest,
        detector=stores[0].settings.detector,
        clip=FaceClipSettings(
            frames=settings.frames, rate=stores[0].settings.rate, pictures=images
        ),
        operating_point=point,
        calibration=calibration,
        data=describe_sources(settings.sources, stores),
        protocol=_PROTOCOL,
        figures={"validation/clip/auc": round(metrics.auc(scores.scores, scores.genuine), 5)},
        licence=settings.licence,
        trained_on=datetime.now(tz=UTC).date().isoformat(),
    )
    check_parity(trained, TalkModel(weights, card), held_out[0].window(0, settings.frames))
    write_model(folder, weights, card)
    return card


def to_onnx(trained: TrainedTalk) -> bytes:
    """Export a network; the number of clips is free, that of moments is the recipe's."""
    frames = trained.settings.frames
    shapes = ((FACE_SIDE, FACE_SIDE), (LIPS_SIDE, LIPS_SIDE), (SHAPES,), (HEARD,))
    examples = tuple(torch.zeros(2, frames, *shape) for shape in shapes)
    return export_onnx(trained.network, examples, INPUTS, OUTPUTS)


def check_parity(trained: TrainedTalk, exported: TalkModel, talk: Talk) -> None:
    """Raise a `ModelError` unless both say the same of a window and of each of its moments."""
    ours, theirs = trained.score(talk), exported.score(talk)
    apart = max(abs(ours.score - theirs.score), float(np.abs(ours.moments - theirs.moments).max()))
    check_scores(apart)
