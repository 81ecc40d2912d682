"""A training on talking faces: stores in, network out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gaitproof.data.face.store import FaceStore
from gaitproof.face.speech.model import TalkScore
from gaitproof.face.speech.sequences import Talk
from gaitproof.nets.face.base import GENUINE
from gaitproof.nets.face.registry import create_talk_network
from gaitproof.nets.face.talk import TalkNetwork
from gaitproof.train.face.config import TalkTrainSettings
from gaitproof.train.face.loop import NOT_LEARNT, digest
from gaitproof.train.face.talk.sampler import (
    TalkBatch,
    TalkSampler,
    TalkStream,
    read_clips,
    validation_batches,
)
from gaitproof.train.hardware import undisturbed
from gaitproof.train.learner import Learner, RunState
from gaitproof.train.stream import Stream, torch_seed
from gaitproof.train.training import RunOptions, Training
from gaitproof.train.validation import Validation


class TalkLearner(Learner):
    """Learns by cross-entropy whether a window is genuine, and which of its moments are."""

    loss_names = ("whole", "moments")
    network: TalkNetwork

    def __init__(self, network: TalkNetwork, settings: TalkTrainSettings, state: RunState) -> None:
        super().__init__(network, settings, settings.steps, state)
        self._settings = settings

    def losses_of(self, batch: TalkBatch) -> dict[str, Tensor]:
        """Return both losses, each times its weight."""
        whole, moments = self.network(batch.faces, batch.lips, batch.shapes, batch.sound)
        located = functional.cross_entropy(moments.float().flatten(0, 1), batch.moments.flatten())
        return {
            "whole": functional.cross_entropy(whole.float(), batch.labels),
            "moments": self._settings.moments * located,
        }


@dataclass
class TrainedTalk:
    """A trained network.

    Parameters
    ----------
    network
        On the CPU, in evaluation mode: that of the least validation loss.
    settings
        The recipe.
    losses
        Of every step.
    """

    network: TalkNetwork
    settings: TalkTrainSettings
    losses: list[float] = field(default_factory=list)

    def score(self, talk: Talk) -> TalkScore:
        """Score a talk, as `gaitproof.face.speech.model.TalkModel.score` does once exported."""
        with torch.inference_mode():
            whole, moments = self.network(
                *(torch.from_numpy(np.array(part)[None]) for part in talk.inputs())
            )
        shares: NDArray[np.float64] = moments[0].double().softmax(dim=1)[:, GENUINE].numpy()
        return TalkScore(float(whole[0].double().softmax(dim=0)[GENUINE]), shares)


def train_talk(
    stores: Sequence[FaceStore],
    settings: TalkTrainSettings,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    **run: Unpack[RunOptions],
) -> TrainedTalk:
    """Train a network on prepared talking faces; the same seed gives the same weights.

    Clips of the split ``test`` are not read.

    Parameters
    ----------
    stores
        Prepared with sound.
    settings
        The recipe.
    progress, **run
        As for `gaitproof.train.face.loop.train_faces`.

    Raises
    ------
    ConfigError
        If the stores lack what the recipe needs, or for any reason of
        `gaitproof.train.loop.train`.
    """
    learnt, watched = (
        TalkSampler(read_clips(stores, split, settings.frames), settings, split)
        for split in ("train", "validation")
    )
    learnt_by = settings.model_dump(mode="json", exclude=set(NOT_LEARNT))
    training = Training(lambda: digest(learnt_by, stores), **run)
    state = training.state
    with undisturbed():
        torch.manual_seed(torch_seed(settings.seed, stream=Stream.WEIGHTS))
        network = create_talk_network(
            settings.architecture, settings.network.model_dump(exclude_none=True)
        )
        training.run(
            TalkLearner(network, settings, state),
            partial(TalkStream, learnt, state.step),
            validation=Validation(validation_batches(watched), settings.validate_every),
            progress=progress,
        )
    return TrainedTalk(network.cpu().eval(), settings, state.losses)
