"""From a recipe to a face model with its card: train, score people held out, set the threshold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Unpack

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.store import FaceStore, StoredClip
from gaitproof.errors import ConfigError
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.model import (
    FaceDataSource,
    FaceDetectorCard,
    FaceForgeryModel,
    load_card,
)
from gaitproof.face.segments import ScoresSegments, score_segments
from gaitproof.modelling.compression import store_constants
from gaitproof.modelling.export import write_model
from gaitproof.modelling.face.export import describe_clips, save_face_model
from gaitproof.modelling.face.merge import (
    merge_image_networks,
    merge_networks,
)
from gaitproof.modelling.face.operating_point import fit_calibration, fit_operating_point
from gaitproof.models import read_weights
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.train.config import OriginSettings
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import train_faces
from gaitproof.train.face.sampler import FaceSampler
from gaitproof.train.face.samples import Crop
from gaitproof.train.stream import Stream, random_source

if TYPE_CHECKING:
    from gaitproof.train.training import RunOptions

Image = NDArray[np.uint8]

VARIANTS: Final = 4
"""How often a held-out clip is damaged anew, and forged anew, for the threshold."""

LEAST_PEOPLE: Final = 3
"""Without them there is nothing to draw for an interval."""

MOST_IMAGES: Final = 10
"""Of one clip; as many as a scan takes."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Scores of people the network was not trained on.

    Parameters
    ----------
    clips
        Means over a clip's images, or its segments.
    images
        Of the single images, or segments.
    """

    clips: FaceScores
    images: FaceScores


def make_face_model(
    settings: FaceTrainSettings,
    stores: Sequence[FaceStore],
    folder: Path,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    **run: Unpack[RunOptions],
) -> FaceDetectorCard:
    """Train a network, set its threshold on the validation people, and write model and card.

    Parameters
    ----------
    settings
        The recipe.
    stores
        Prepared faces, in the order of the recipe's sources where it has any.
    folder
        Where ``model.onnx`` and ``card.json`` go.
    progress, **run
        As for `gaitproof.train.face.loop.train_faces`.

    Returns
    -------
    FaceDetectorCard
        As written.

    Raises
    ------
    ConfigError
        If the stores do not go together, or for any reason of
        `gaitproof.train.face.loop.train_faces`.
    InputError
        If fewer than three people are held out.
    ModelError
        If the exported network does not compute what the trained one does.
    """
    _check_stores(stores, settings)
    trained = train_faces(stores, settings, progress, **run)
    clip = describe_clips(settings, stores)
    return save_face_model(trained, folder, clip=clip, **measure(trained, settings, stores))


def make_ensemble(
    settings: FaceTrainSettings,
    stores: Sequence[FaceStore],
    members: Sequence[Path],
    folder: Path,
) -> FaceDetectorCard:
    """Join trained models into one, set its threshold on the validation people, and write it.

    Parameters
    ----------
    settings
        The recipe of the first member, for what it says of the data, its forgeries, name and
        limits.
    stores
        What they were trained on.
    members
        Model folders: all of temporal networks, or all of single images, which may cut and
        normalise the faces otherwise than the first as long as they see no more of them.
    folder
        Where ``model.onnx`` and ``card.json`` go.

    Returns
    -------
    FaceDetectorCard
        As written; its figures hold those of the members by their identifiers.

    Raises
    ------
    ConfigError
        If the members see other images than each other or than the recipe says, there are fewer
        than two, or the stores do not go together.
    InputError
        If fewer than three people are held out.
    ModelError
        If a member cannot be read, or they cannot be joined.
    """
    _check_stores(stores, settings)
    cards = [load_card(member) for member in members]
    check_members(cards, settings)
    files = [read_weights(member) for member in members]
    if settings.frames > 1:
        weights = merge_networks(files)
    else:
        weights = store_constants(merge_image_networks(files, cards), "fp16")
    digest = hashlib.sha256(weights).hexdigest()
    joined = cards[0].model_copy(
        update={
            "limits": settings.limits,
            "licence": settings.licence,
            "model_id": f"{settings.name}-{settings.version}-{digest[:12]}",
            "architecture": " + ".join(card.architecture for card in cards),
            "weights_sha256": digest,
            # of single images only the mean is told
            "members": tuple(card.model_id for card in cards if card.clip is not None),
        }
    )
    operating = measure(FaceForgeryModel(weights, joined), settings, stores)
    operating["figures"] |= {
        f"{card.model_id}/{name}": value for card in cards for name, value in card.figures.items()
    }
    complete = FaceDetectorCard.model_validate(joined.model_dump() | operating)
    write_model(folder, weights, complete)
    return complete


def check_members(cards: Sequence[FaceDetectorCard], settings: FaceTrainSettings) -> None:
    """Raise a `ConfigError` unless models can be joined to an ensemble."""
    if len(cards) < 2:
        raise ConfigError("An ensemble needs two members at least.", actual=str(len(cards)))
    for card in cards:
        if card.members or " + " in card.architecture:
            raise ConfigError(
                f"{card.model_id} cannot be a member of an ensemble.", expected="a single network"
            )
    alike = ("alignment", "mean", "std", "clip", "detector")
    for name in alike if cards[0].clip is not None else alike[3:]:
        if any(getattr(card, name) != getattr(cards[0], name) for card in cards):
            raise ConfigError(
                f"The members of an ensemble must agree in {name}.",
                actual="; ".join(f"{card.model_id}: {getattr(card, name)}" for card in cards),
            )
    single = cards[0].clip is None
    if settings.alignment != cards[0].alignment or (settings.frames == 1) != single:
        raise ConfigError(
            "The recipe is not that of the first member.",
            expected=f"frames {'1' if single else 'above 1'}, alignment {cards[0].alignment}",
            actual=f"frames {settings.frames}, alignment {settings.alignment}",
        )


def measure(
    model: ScoresFaces, settings: FaceTrainSettings, stores: Sequence[FaceStore]
) -> dict[str, Any]:
    """Return what the card says of a model's answers on the validation people."""
    held_out = score_held_out(model, settings, stores)
    people = f"{settings.forgeries} people of the validation split"
    point, calibration = fit_operating_point(held_out.clips, people=people)
    return {
        "detector": stores[0].settings.detector,
        "operating_point": point,
        "calibration": calibration,
        "frame_calibration": fit_calibration(held_out.images),
        "data": describe_sources(settings.sources, stores),
        "protocol": _PROTOCOL.format(forgeries=settings.forgeries),
        "figures": {
            f"validation/{level}/{name}": round(float(figure(one.scores, one.genuine)), 5)
            for level, one in (("clip", held_out.clips), ("picture", held_out.images))
            for name, figure in (("auc", metrics.auc), ("eer", metrics.eer))
        },
        "trained_on": datetime.now(tz=UTC).date().isoformat(),
    }


_PROTOCOL: Final = (
    "Split by person and source video. Weights and checkpoint: train and validation. Threshold, "
    "band and calibration: validation people, forgeries: {forgeries}. Test people were not read."
)


def _check_stores(stores: Sequence[FaceStore], settings: FaceTrainSettings) -> None:
    """Raise a `ConfigError` unless the stores go together and hold enough people out."""
    if not stores:
        raise ConfigError(
            "There is nothing to train on.",
            hint="name stores in the recipe's sources, or give them with --data",
        )
    if settings.sources and len(settings.sources) != len(stores):
        raise ConfigError(
            "The card must say where every store comes from.",
            expected=f"{len(settings.sources)} stores, as the recipe has sources",
            actual=str(len(stores)),
        )
    detectors = sorted({store.settings.detector for store in stores})
    if len(detectors) > 1:
        raise ConfigError(
            "The stores were made with different face detectors.",
            actual=" and ".join(detectors),
            hint="prepare them anew with one detector",
        )
    rates = sorted({str(store.settings.rate) for store in stores})
    if settings.frames > 1 and len(rates) > 1:
        raise ConfigError(
            "The stores' images are spaced differently, and this network looks at several.",
            actual=f"rates {' and '.join(rates)}",
            hint="prepare them anew with one --rate",
        )
    held_out = [stored for store in stores for stored in store.of_split("validation")]
    people = {key for stored in held_out for key in stored.clip.keys}
    if len(people) < LEAST_PEOPLE:
        raise ConfigError(
            "Too few people are held out to set a threshold on.",
            expected=f"{LEAST_PEOPLE} or more in the split validation",
            actual=str(len(people)),
            hint="prepare more people, or with a larger share for validation",
        )
    sides: dict[str, StoredClip] = {}
    for stored in (stored for store in stores for stored in store.clips):
        first = sides.setdefault(stored.sha256, stored)
        if {first.clip.split, stored.clip.split} - {"unused"} > {stored.clip.split}:
            raise ConfigError(
                "The same faces are on two sides of the split.",
                actual=f"{first.clip.path} ({first.clip.split}) is "
                f"{stored.clip.path} ({stored.clip.split})",
                hint="remove one of them and prepare the data again",
            )


class ScoresFaces(ScoresSegments, Protocol):
    """A network before or after its export."""

    def score(self, crops: Image) -> NDArray[np.float64]:
        """Return scores (N,) of single images (N, S, S, 3)."""


def score_held_out(
    model: ScoresFaces, settings: FaceTrainSettings, stores: Sequence[FaceStore]
) -> HeldOut:
    """Score the validation clips, damaged and, where the recipe forges, forged anew.

    Returns
    -------
    HeldOut
        `VARIANTS` genuine scores of every genuine clip, and as many forged ones: of the clip
        blended with itself, or of the forged clips, as the recipe has it.
    """
    kind = settings.forgeries
    clips: list[tuple[float, FaceClip]] = []
    images: list[tuple[float, FaceClip]] = []

    def take(crops: list[Crop], clip: FaceClip) -> None:
        pixels = np.stack([crop.image for crop in crops])
        scores = _score(model, pixels, settings.frames)
        clips.append((float(scores.mean()), clip))
        images.extend((float(score), clip) for score in scores)

    sampler = FaceSampler(stores, "validation", settings)
    rng = random_source(settings.seed, step=1, stream=Stream.VALIDATION)
    for source in ((store, clip) for store in stores for clip in store.of_split("validation")):
        stored = source[1]
        places = _choose(stored.images, settings.frames)
        for seed in map(int, rng.integers(2**63, size=VARIANTS)):
            if stored.clip.label is Label.REAL:
                pairs = sampler.cut_genuine(source, places, seed)
                take([pair[GENUINE] for pair in pairs], stored.clip)
                if kind != "labelled":
                    blended = replace(stored.clip, label=Label.FAKE, manipulation="self-blended")
                    take([pair[FORGED] for pair in pairs], blended)
            elif kind != "self-blended":
                take(sampler.cut_forged(source, places, seed), stored.clip)
    return HeldOut(
        *(
            FaceScores.of_clips([score for score, _ in part], [clip for _, clip in part])
            for part in (clips, images)
        )
    )


def _choose(images: int, frames: int) -> list[int]:
    """Return which of a clip's images are scored: some, or all that follow each other."""
    most = MOST_IMAGES if frames == 1 else images
    return [int(place) for place in np.linspace(0, images - 1, min(images, most)).round()]


def _score(model: ScoresFaces, crops: Image, frames: int) -> NDArray[np.float64]:
    """Return the scores of images (N,), or of the segments that they make."""
    if frames == 1:
        return model.score(crops)
    return np.array([judged.score for _, judged in score_segments(model, crops, frames)])


def describe_sources(
    sources: Sequence[OriginSettings], stores: Sequence[FaceStore]
) -> tuple[FaceDataSource, ...]:
    """Return what the card says of the stores, which are in the order of the sources."""
    described = []
    for source, store in zip(sources, stores, strict=False):
        used = [stored for side in ("train", "validation") for stored in store.of_split(side)]
        described.append(
            FaceDataSource(
                name=source.name,
                people=len({key for stored in used for key in stored.clip.keys}),
                pictures=sum(stored.images for stored in used),
                licence=source.licence,
                citation=source.citation,
            )
        )
    return tuple(described)
