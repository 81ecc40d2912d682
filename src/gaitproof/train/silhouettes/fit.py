"""A training on silhouettes: walks in, network out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as lightning
import numpy as np
import torch
from torch import nn

from gaitproof.media.files import make_folder
from gaitproof.nets.options import NetworkOptions
from gaitproof.nets.registry import create_network, signal_of
from gaitproof.nets.silhouette import EnergyBlend, EnergyDiscriminant, SilhouetteNetwork
from gaitproof.train.chance import Stream, torch_seed
from gaitproof.train.checkpoint import CHECKPOINT_FILE, Checkpoints, Identity, load_checkpoint
from gaitproof.train.hardware import TrainerSettings, make_trainer, run_to_end, undisturbed
from gaitproof.train.logs import Recorder, Reporter, RunLog
from gaitproof.train.silhouettes.discriminant import fit_discriminant, fit_whitening
from gaitproof.train.silhouettes.module import StripLearner
from gaitproof.train.silhouettes.sampler import MaskStream, PairedStream
from gaitproof.train.sources.paired import PairedRecording
from gaitproof.train.state import RunState
from gaitproof.train.stream import StepData

if TYPE_CHECKING:
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
    from gaitproof.train.sources.silhouettes import SilhouetteRecording


def train_silhouettes(
    recordings: Sequence[SilhouetteRecording | PairedRecording],
    settings: SilhouetteTrainSettings,
    progress: Callable[[float, float], None] | None = None,
    *,
    run_folder: Path | None = None,
    resume: bool = True,
    trainer_options: TrainerSettings | None = None,
) -> nn.Module:
    """Train a network on silhouettes; the same seed gives the same weights.

    Parameters
    ----------
    recordings
        Walks of the training subjects only, of the kind that the network reads.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    run_folder
        Where checkpoints and logs go; None keeps none.
    resume
        Go on from the checkpoint in `run_folder`, if there is one.
    trainer_options
        Devices; by default one, the fastest there is.

    Returns
    -------
    torch.nn.Module
        On the CPU in evaluation mode, the directions of its embedding fitted.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    ConfigError
        If the checkpoint is of another recipe or other walks, the devices are not there, or the
        loss is no longer a number.
    """
    options = trainer_options or TrainerSettings()
    kind: Any = PairedStream if signal_of(settings.architecture) == "both" else MaskStream
    stream = partial(kind, recordings, settings)
    everything = stream()
    restored = None
    if run_folder is not None:
        identity = Identity.of(recordings, settings)
        path = make_folder(run_folder) / CHECKPOINT_FILE
        restored = load_checkpoint(path, identity) if resume else None
    run = restored.state if restored is not None else RunState()
    with undisturbed():
        torch.manual_seed(torch_seed(settings.seed, stream=Stream.WEIGHTS))
        network = create_network(
            settings.architecture, NetworkOptions(**settings.network.model_dump())
        )
        closed = network.discriminant if isinstance(network, EnergyBlend) else network
        if isinstance(closed, EnergyDiscriminant):
            fit_discriminant(closed, everything, settings.discriminant_windows)
        learner = network.network if isinstance(network, EnergyBlend) else network
        if not isinstance(learner, SilhouetteNetwork):
            return network.eval()
        module = StripLearner(learner, settings, everything.n_labels, run)
        if restored is not None:
            module.load_state_dict(restored.weights)
        callbacks: list[lightning.Callback] = [Recorder()]
        if run_folder is not None:
            callbacks.append(RunLog(run_folder, run.step, StripLearner.loss_names))
            callbacks.append(Checkpoints(path, identity, options.checkpoint_every, restored))
        if progress is not None:
            callbacks.append(Reporter(progress))
        trainer = make_trainer(options, settings, callbacks)
        if not run.is_finished(settings.steps):
            run_to_end(trainer, module, StepData(partial(stream, run.step), options.loaders))
    network.cpu().eval()
    # the window in the middle of every walk
    fit_whitening(
        learner,
        (
            (f"{walk.source}:{walk.subject}", windows.select(np.array([len(windows) // 2])))
            for walk in recordings
            if len(windows := walk.windows)
        ),
    )
    return network
