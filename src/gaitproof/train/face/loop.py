"""One training run on faces: stores in, network out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from gaitproof.errors import ConfigError
from gaitproof.face.align import align
from gaitproof.face.segments import SegmentScore, score_segments
from gaitproof.nets.face.base import GENUINE, ClipNetwork, FaceNetwork
from gaitproof.nets.face.registry import create_face_network
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.sampler import (
    ClipSampler,
    FaceSampler,
    FaceStream,
    validation_batches,
)
from gaitproof.train.stream import Stream, torch_seed

if TYPE_CHECKING:
    from gaitproof.data.face.faces import StoredFaces
    from gaitproof.data.face.store import FaceStore
    from gaitproof.train.checkpoint import Identity
    from gaitproof.train.training import RunOptions


NOT_LEARNT: Final = frozenset({"name", "version", "sources", "licence", "limits"})
"""Fields of a recipe for faces that change the card, but not the weights."""

_BATCH = 64


@dataclass(frozen=True, eq=False)
class ClipScore:
    """What a network says of one clip.

    Parameters
    ----------
    score
        0 (forged) to 1 (genuine).
    images
        Shape (T,): the scores of the images; None for a network that looks at them together.
    attention
        Shape (T,): what each image counts, adding up to 1, 0 for those of a rest that is too
        short to be judged; None for a network of images, for which all count the same.
    """

    score: float
    images: NDArray[np.float64] | None
    attention: NDArray[np.float64] | None


@dataclass
class TrainedFaces:
    """A trained network.

    Parameters
    ----------
    network
        On the CPU, in evaluation mode: that of the least validation loss.
    settings
        The recipe.
    losses
        Of every step.
    validation
        Step and loss of every validation.
    """

    network: FaceNetwork
    settings: FaceTrainSettings
    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return genuine-scores (N,), 0 to 1, of crops (N, S, S, 3) by a network of images.

        Raises
        ------
        ConfigError
            If the network looks at several images together.
        """
        if self.network.temporal:
            raise ConfigError("A temporal network scores clips, not single images.")
        with torch.inference_mode():
            logits = [
                self.network(self.network.normalise(part))
                for part in torch.split(torch.tensor(crops), _BATCH)
            ]
        shares = torch.cat(logits).double().softmax(dim=1)
        return shares[:, GENUINE].numpy()

    def score_segment(self, crops: NDArray[np.uint8]) -> SegmentScore:
        """Judge crops (T, S, S, 3) together by a network of clips.

        Raises
        ------
        ConfigError
            If the network looks at single images.
        """
        if not isinstance(self.network, ClipNetwork):
            raise ConfigError("A network of single images does not score clips.")
        with torch.inference_mode():
            logits, weights = self.network.attend(self.network.normalise(torch.tensor(crops))[None])
        shares = logits[0].double().softmax(dim=0)
        attention: NDArray[np.float64] = weights[0].double().numpy()
        return SegmentScore(float(shares[GENUINE]), attention)

    def score_clip(self, faces: StoredFaces) -> ClipScore:
        """Score the stored faces of a clip, cut as at inference.

        A temporal network sees them in segments of as many images as it was trained on; the
        segments' scores are averaged.
        """
        pairs = zip(faces.images, faces.points, strict=True)
        crops = np.stack([align(image, points, self.settings.alignment) for image, points in pairs])
        if not isinstance(self.network, ClipNetwork):
            scores = self.score(crops)
            return ClipScore(float(scores.mean()), scores, None)
        segments = score_segments(self, crops, self.settings.frames)
        shares = np.zeros(len(crops))
        for segment, judged in segments:
            shares[segment.start : segment.stop] = judged.attention / len(segments)
        return ClipScore(float(np.mean([judged.score for _, judged in segments])), None, shares)


def train_faces(
    stores: Sequence[FaceStore],
    settings: FaceTrainSettings,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    *,
    targets: Sequence[FaceStore] = (),
    **run: Unpack[RunOptions],
) -> TrainedFaces:
    """Train a network on prepared faces; the same seed gives the same weights.

    Only clips of the split ``train`` are learnt from; the weights kept are those with the least
    loss on ``validation``. Clips of ``test`` are not read.

    Parameters
    ----------
    stores
        Prepared faces.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    targets
        Stores without labels to adapt to, as `settings.adapt` says; by default those of its
        `targets`.
    **run
        See `gaitproof.train.training.RunOptions`.

    Raises
    ------
    ConfigError
        If the stores lack what the recipe needs, two stores have one person or clip on different
        sides, or for any reason of `gaitproof.train.loop.train`.
    ModelError
        If the network's backbone cannot be loaded.
    """
    from gaitproof.train.checkpoint import load_start
    from gaitproof.train.face.adapt import TargetFaces
    from gaitproof.train.face.features import keep_features
    from gaitproof.train.face.learner import FaceLearner
    from gaitproof.train.hardware import find_device, undisturbed
    from gaitproof.train.training import Training
    from gaitproof.train.validation import Validation

    learnt: ClipSampler[Any]
    watched: ClipSampler[Any]
    learnt, watched = (FaceSampler(stores, split, settings) for split in ("train", "validation"))
    shown = settings.pictures_per_epoch or settings.repeats * learnt.segments
    accumulate = settings.accumulate
    epoch = -(-shown // (settings.batch * accumulate))
    steps = settings.epochs * epoch
    others = (targets or _open_targets(settings)) if settings.adapt.wanted else ()
    adapted = TargetFaces(others, settings) if settings.adapt.wanted else None
    training = Training(lambda: identify([*stores, *others], settings), **run)
    state = training.state
    with undisturbed():
        torch.manual_seed(torch_seed(settings.seed, stream=Stream.WEIGHTS))
        network = create_face_network(settings.architecture, settings.network)
        check_frames(network, settings)
        if adapted is not None:
            adapted.check(network)
        if settings.start is not None:
            load_start(settings.start, network)
        if settings.views is not None:
            device = find_device(training.options)
            learnt, watched = (
                keep_features(sampler, network, settings.views, device)
                for sampler in (learnt, watched)
            )
        training.run(
            FaceLearner(network, settings, steps, state),
            partial(
                FaceStream,
                learnt,
                settings,
                state.step * accumulate,
                steps * accumulate,
                targets=adapted if settings.adapt.learnt else None,
            ),
            accumulate=accumulate,
            validation=Validation(validation_batches(watched, settings), epoch),
            progress=progress,
        )
    if adapted is not None:
        adapted.adapt(network.cpu())
    return TrainedFaces(network.cpu().eval(), settings, state.losses, state.validation)


def _open_targets(settings: FaceTrainSettings) -> list[FaceStore]:
    """Open the stores that the recipe adapts to."""
    from gaitproof.data.face.store import FaceStore

    return [FaceStore.open(one.path) for one in settings.adapt.targets]


def check_frames(network: FaceNetwork, settings: FaceTrainSettings) -> None:
    """Raise a `ConfigError` unless the recipe shows the network as many images as it looks at."""
    if (settings.frames > 1) != network.temporal:
        raise ConfigError(
            f"The network {settings.architecture!r} does not look at {settings.frames} frames.",
            expected="frames above 1" if network.temporal else "frames: 1",
        )


def identify(stores: Sequence[FaceStore], settings: FaceTrainSettings) -> Identity:
    """Digest what the weights depend on: the recipe and the stored clips."""
    from gaitproof.train.checkpoint import learnt_by

    return digest(learnt_by(settings, NOT_LEARNT), stores)


def digest(fields: Mapping[str, Any], stores: Sequence[FaceStore]) -> Identity:
    """Digest the fields of a recipe that are learnt by, and the stored clips."""
    from gaitproof.train.checkpoint import Identity

    recipe = json.dumps(fields, sort_keys=True)
    clips = json.dumps(
        [
            [stored.clip.path, stored.clip.label, stored.clip.split, stored.sha256]
            for store in stores
            for stored in store.clips
        ]
    )
    return Identity(*(hashlib.sha256(text.encode()).hexdigest() for text in (recipe, clips)))


@dataclass(frozen=True)
class EnsembleScore:
    """What several networks say of one clip.

    Parameters
    ----------
    together
        The mean of their scores, which are softmax probabilities, and of the weights that they
        give the images.
    members
        What each says.
    """

    together: ClipScore
    members: Mapping[str, ClipScore]


def score_ensemble(members: Mapping[str, TrainedFaces], faces: StoredFaces) -> EnsembleScore:
    """Score the stored faces of a clip by every member and by all together.

    Raises
    ------
    ConfigError
        If there are no members.
    """
    scores = {name: member.score_clip(faces) for name, member in members.items()}
    return EnsembleScore(average(scores), scores)


def average(scores: Mapping[str, ClipScore]) -> ClipScore:
    """Return the mean of scores of one clip.

    A image's own score is the mean over the members that score images, its weight that over
    the members that weigh them; None where no member does.

    Raises
    ------
    ConfigError
        If there are none.
    """
    if not scores:
        raise ConfigError("An ensemble needs one member at least.")
    images = [one.images for one in scores.values() if one.images is not None]
    attention = [one.attention for one in scores.values() if one.attention is not None]
    return ClipScore(
        float(np.mean([one.score for one in scores.values()])),
        np.mean(images, axis=0) if images else None,
        np.mean(attention, axis=0) if attention else None,
    )
