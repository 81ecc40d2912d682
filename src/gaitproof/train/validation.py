"""Early stopping on people who are not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from gaitproof.errors import ConfigError
from gaitproof.nets.normaliser import Normaliser
from gaitproof.train.hardware import share_buffers
from gaitproof.train.learner import Learner
from gaitproof.train.sampler import (
    Batch,
    Person,
    WindowSampler,
    make_batch,
    person_of,
)
from gaitproof.train.stream import Stream, random_source

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from gaitproof.data.gait import Recording
    from gaitproof.train.config import AugmentSettings, TrainSettings

_NOISE: Final = (
    "white_noise",
    "bias_noise",
    "smooth_noise",
    "heel_dropout",
    "joint_dropout",
    "tempo",
    "shorten",
)


def split_subjects(
    recordings: Sequence[Recording], settings: TrainSettings
) -> tuple[list[Recording], list[Recording]]:
    """Set people aside for validation; an augmented copy goes where its parent goes.

    Returns
    -------
    tuple of list
        Walks to train on, and walks to validate on (none if the share is 0).

    Raises
    ------
    ConfigError
        If fewer than two people would be left on either side.
    """
    share = settings.validation.share
    if not share:
        return list(recordings), []
    owner = {(r.source, r.recording): person_of(r) for r in recordings}

    def origin(recording: Recording) -> Person:
        return owner.get((recording.source, recording.parent), person_of(recording))

    people = sorted({origin(r) for r in recordings if r.segments})
    count = max(round(share * len(people)), 2)
    if len(people) - count < 2:
        raise ConfigError(
            "There are too few training subjects for a validation set.",
            expected="two to train on and two to validate on, at least",
            actual=f"{len(people)} subjects, validation.share {share}",
            hint="set validation.share to 0",
        )
    order = random_source(settings.seed, stream=Stream.SUBJECTS).permutation(len(people))
    aside = {people[i] for i in order[:count]}
    return (
        [r for r in recordings if origin(r) not in aside],
        [r for r in recordings if origin(r) in aside],
    )


def without_noise(augment: AugmentSettings) -> AugmentSettings:
    """Return the cameras of an augmentation without its noise, gaps and mirrored people."""
    return augment.model_copy(update={**dict.fromkeys(_NOISE, 0.0), "mirror": False})


def validation_batch(
    recordings: Sequence[Recording],
    normaliser: Normaliser,
    settings: TrainSettings,
    pair_limit: int,
) -> Batch:
    """Draw the windows that every validation of a run is made on."""
    sampler = WindowSampler(recordings, without_noise(settings.augment))
    rng = random_source(settings.seed, stream=Stream.VALIDATION)
    chosen = sampler.choose(rng, settings.people_per_batch)
    return make_batch(sampler, normaliser, chosen, settings.windows_per_person, rng, pair_limit)


class Validation:
    """Measures the loss on fixed batches, keeps the best weights, and stops without progress.

    Parameters
    ----------
    batches
        Tuples of tensors; the loss is the mean over them.
    every
        Steps between validations; there is one after the last step too.
    """

    def __init__(self, batches: Sequence[tuple[Tensor, ...]], every: int) -> None:
        self._batches, self._every = batches, every

    def after_step(self, fabric: Fabric, learner: Learner) -> None:
        """Validate, if it is time."""
        settings, run = learner.recipe.validation, learner.run
        if run.step % self._every and run.step != learner.steps:
            return
        loss = self._measure(fabric, learner)
        run.validation.append((run.step, loss))
        if isinstance(learner.schedule, ReduceLROnPlateau):
            learner.schedule.step(loss)
        if loss < run.best_loss - settings.min_delta:
            run.best_loss, run.without_progress = loss, 0
            run.best = {
                name: value.detach().cpu().clone()
                for name, value in learner.network.state_dict().items()
            }
        else:
            run.without_progress += 1
        run.stopped = run.without_progress >= settings.patience

    def _measure(self, fabric: Fabric, learner: Learner) -> float:
        # all devices must find the same loss, since they must stop together
        share_buffers(fabric, learner)
        learner.eval()
        total = 0.0
        for batch in self._batches:
            with torch.no_grad(), fabric.autocast():
                parts = learner.validation_losses(fabric.to_device(batch))
            total += torch.stack(list(parts.values())).sum().item()
        learner.measures = learner.take_measures()
        learner.train()
        return float(fabric.broadcast(total / len(self._batches)))
