"""One training run: recordings in, encoder out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Unpack

import torch
from torch import nn

from gaitproof.data.gait.load import load_recordings
from gaitproof.errors import ConfigError
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.registry import create_network, is_pair_network
from gaitproof.nets.skeletonmap import SkeletonMap
from gaitproof.train.adapt import TargetWindows
from gaitproof.train.checkpoint import Identity, load_start
from gaitproof.train.discriminant import closed_form_parts, fit_discriminant, gradient_part
from gaitproof.train.encoder import GaitModule, TrainedEncoder, Watch
from gaitproof.train.hardware import undisturbed
from gaitproof.train.learner import RunState
from gaitproof.train.sampler import (
    BatchStream,
    WindowSampler,
    features_of,
)
from gaitproof.train.stream import Stream, random_source, torch_seed
from gaitproof.train.training import RunOptions, Training
from gaitproof.train.validation import Validation, split_subjects, validation_batch
from gaitproof.types.layouts import LAYOUTS
from gaitproof.types.windows import WINDOW_FRAMES

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
    features, mask, lengths = features_of(sampler.draw(rng, labels))
    return Normaliser.fit(
        features,
        mask,
        settings.alignment,
        groups=settings.features,
        frames=settings.frames,
        bones=settings.bones,
        lengths=lengths,
        padded=settings.least_frames < WINDOW_FRAMES,
    )


def _fit(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None],
    watch: Watch | None,
    targets: Sequence[Recording],
    **run: Unpack[RunOptions],
) -> tuple[nn.Module, Normaliser, RunState]:
    """Return the network on the CPU in evaluation mode, its normaliser, and what the run did."""
    learnt, watched = split_subjects(recordings, settings)
    sampler = WindowSampler(learnt, settings.augment)
    normaliser = fit_normaliser(sampler, settings)
    adapted = TargetWindows(targets, settings) if settings.adapt.wanted else None
    training = Training(lambda: Identity.of([*recordings, *targets], settings), **run)
    state = training.state
    with undisturbed():
        torch.manual_seed(torch_seed(settings.seed, stream=Stream.WEIGHTS))
        network = create_network(
            settings.architecture,
            settings.network,
            frames=settings.frames,
            layout=LAYOUTS[settings.joints],
            padded=normaliser.padded,
        )
        if settings.start is not None:
            state.left_out = load_start(settings.start, network)
        if isinstance(network, SkeletonMap):
            network.set_normaliser(normaliser.mean, normaliser.std)
        learner = gradient_part(network)
        if adapted is not None:
            adapted.check(learner)
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
            partial(
                BatchStream,
                sampler,
                normaliser,
                settings,
                state.step,
                pairs,
                targets=None if adapted is None else adapted.learnt,
            ),
            validation=validation,
            watcher=partial(watch.after_step, normaliser) if watch else None,
            progress=progress,
        )
    if adapted is not None:
        adapted.adapt(network.cpu(), normaliser)
    return network.cpu().eval(), normaliser, state


def check_dimensions(settings: TrainSettings, recordings: Sequence[Recording]) -> None:
    """Refuse walks whose dimensions do not fit each other or the recipe.

    A flat walk cannot be turned, tilted or stretched in depth, has no heading to be aligned by,
    and its bones have no lengths.

    Raises
    ------
    ConfigError
        If flat and three-dimensional walks are mixed, or the recipe treats flat ones as if they
        had depth.
    """
    dimensions: dict[bool, set[str]] = {True: set(), False: set()}
    for walk in recordings:
        if len(walk.points):  # a video in which nobody was found has no dimension
            dimensions[walk.flat].add(walk.source)
    flat, deep = (", ".join(sorted(dimensions[kind])) for kind in (True, False))
    if not flat:
        return
    if deep:
        raise ConfigError(
            "Two- and three-dimensional recordings cannot be mixed in one recipe.",
            expected="sources of one kind",
            actual=f"two-dimensional: {flat}; three-dimensional: {deep}",
        )
    shown = settings.augment
    wanted = {
        "augment.yaw: 0": shown.yaw == 0,
        "augment.tilt: 0": shown.tilt == 0,
        "augment.depth: 0": shown.depth == 0,
        "augment.estimator_error: false": not shown.estimator_error,
        "alignment: camera": settings.alignment != "heading",
        "bones: own": settings.bones == "own",
    }
    lacking = ", ".join(setting for setting, met in wanted.items() if not met)
    if lacking:
        raise ConfigError(
            f"The recipe needs recordings with depth, and {flat} is two-dimensional.", hint=lacking
        )


def seen_by(settings: TrainSettings, recordings: Sequence[Recording]) -> list[Recording]:
    """Return walks with the joints, and down to the length, that a recipe's network sees."""
    layout = LAYOUTS[settings.joints]
    return [walk.seen(layout, settings.least_frames) for walk in recordings]


def train(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    *,
    watch: Watch | None = None,
    targets: Sequence[Recording] = (),
    **run: Unpack[RunOptions],
) -> TrainedEncoder:
    """Train an encoder with identity batches; the same seed gives the same weights.

    AdamW on the recipe's schedule and losses. The caller's random generators are
    left alone.

    Parameters
    ----------
    recordings
        Walks of the training subjects only.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    watch
        Looks at the network between steps, and may end the run by raising.
    targets
        Recordings of nobody known to adapt to, as `settings.adapt` says; by default those of its
        `targets`.
    **run
        See `gaitproof.train.training.RunOptions`.

    Returns
    -------
    TrainedEncoder
        With the loss of every step.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    ConfigError
        If the checkpoint is of another recipe or other walks, `settings.start` does not fit, there
        is nothing to adapt to, the devices are not there or cannot
        compute in the recipe's precision, too few subjects are left for a validation set, the
        walks do not pass `gaitproof.train.loop.check_dimensions`, or the loss is no longer a
        number.
    ModelError
        If there is no such network, or it cannot have such sizes.
    """
    check_dimensions(settings, recordings)
    if settings.adapt.wanted and not targets:
        targets = [
            walk
            for source in settings.adapt.targets
            for walk in load_recordings(source.path, source.name, source.frame_rate)
        ]
    walks, others = (seen_by(settings, part) for part in (recordings, targets))
    network, normaliser, state = _fit(walks, settings, progress, watch, others, **run)
    return TrainedEncoder(network, normaliser, state.losses, state.validation, state.left_out)
