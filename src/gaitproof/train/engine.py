"""One training of a gait network: from recordings to the network and its normaliser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Unpack

import torch
from torch import nn

from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.options import NetworkOptions
from gaitproof.nets.registry import create_network, is_pair_network
from gaitproof.nets.skeletonmap import SkeletonMap
from gaitproof.train.checkpoint import Identity
from gaitproof.train.discriminant import closed_form_parts, fit_discriminant, gradient_part
from gaitproof.train.hardware import undisturbed
from gaitproof.train.module import GaitModule
from gaitproof.train.randomness import Stream, random_source, torch_seed
from gaitproof.train.sampler import (
    BatchStream,
    WindowSampler,
    features_of,
)
from gaitproof.train.state import RunState
from gaitproof.train.training import RunOptions, Training
from gaitproof.train.validation import Validation, split_subjects, validation_batch
from gaitproof.train.watch import Watch, Watcher

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings

NORMALISER_WINDOWS = 2048
"""Windows that means and deviations of the features are measured on."""


def pair_limit(settings: TrainSettings) -> int:
    """Return the most pairs of either kind per batch.

    A head on embeddings costs little, so that it gets twice the windows; a pair network runs on
    every pair, so that all its pairs together are as many as an encoder has windows.
    """
    windows = settings.people_per_batch * settings.windows_per_person
    return windows // 2 if is_pair_network(settings.architecture) else 2 * windows


def fit_normaliser(sampler: WindowSampler, settings: TrainSettings) -> Normaliser:
    """Measure the training subjects' features on augmented windows of all of them."""
    rng = random_source(settings.seed, stream=Stream.NORMALISER)
    everybody = sampler.choose(rng, sampler.n_labels)
    labels = everybody.repeat(-(-NORMALISER_WINDOWS // len(everybody)))
    return Normaliser.fit(
        *features_of(sampler.draw(rng, labels)),
        settings.alignment,
        groups=settings.features,
        frames=settings.frames,
        bones=settings.bones,
    )


def fit(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None] | None,
    watch: Watch | None = None,
    **run: Unpack[RunOptions],
) -> tuple[nn.Module, Normaliser, RunState]:
    """Train a network; see `gaitproof.train.loop.train`.

    Returns
    -------
    tuple
        The network on the CPU in evaluation mode, its normaliser, and what the run did.
    """
    learnt, watched = split_subjects(recordings, settings)
    sampler = WindowSampler(learnt, settings.augment)
    normaliser = fit_normaliser(sampler, settings)
    training = Training(lambda: Identity.of(recordings, settings), **run)
    state = training.state
    with undisturbed():
        torch.manual_seed(torch_seed(settings.seed, stream=Stream.WEIGHTS))
        network = create_network(
            settings.architecture,
            NetworkOptions(**settings.network.model_dump()),
            frames=settings.frames,
        )
        if isinstance(network, SkeletonMap):
            network.set_normaliser(normaliser.mean, normaliser.std)
        learner = gradient_part(network)
        for closed in closed_form_parts(network):
            fit_discriminant(closed, learnt, normaliser, settings)
        if learner is None:
            return network.eval(), normaliser, state
        module = GaitModule(learner, settings, sampler.n_labels, state)
        pairs = pair_limit(settings)
        validation = None
        if watched:
            batch = validation_batch(watched, normaliser, settings, pairs)
            validation = Validation([batch], settings.validation.every)
        training.run(
            module,
            partial(BatchStream, sampler, normaliser, settings, state.step, pairs),
            validation=validation,
            watcher=None if watch is None else Watcher(watch, normaliser),
            progress=progress,
        )
    return network.cpu().eval(), normaliser, state
