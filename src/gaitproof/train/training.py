"""One training on Lightning, whatever is learnt: resumed, validated, logged, kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning

from gaitproof.media.files import make_folder
from gaitproof.train.checkpoint import (
    CHECKPOINT_FILE,
    Checkpoint,
    Checkpoints,
    Identity,
    load_checkpoint,
)
from gaitproof.train.hardware import TrainerSettings, make_trainer, run_to_end
from gaitproof.train.learner import Learner
from gaitproof.train.logs import Recorder, Reporter, RunLog
from gaitproof.train.state import RunState
from gaitproof.train.stream import StepData, StepStream
from gaitproof.train.validation import Validation


class Training:
    """A run, fresh or resumed; make it before the network, since a checkpoint may be refused.

    Parameters
    ----------
    folder
        For checkpoints and logs; None keeps none.
    resume
        Whether a checkpoint in the folder is gone on with.
    options
        Devices.
    identify
        Says which run it is; asked only if something is kept.

    Attributes
    ----------
    state
        Where the run stands.

    Raises
    ------
    ConfigError
        If the checkpoint is of another run.
    """

    def __init__(
        self,
        folder: Path | None,
        resume: bool,
        options: TrainerSettings,
        identify: Callable[[], Identity],
    ) -> None:
        self._folder, self._options = folder, options
        self._restored: Checkpoint | None = None
        if folder is not None:
            self._identity = identify()
            self._path = make_folder(folder) / CHECKPOINT_FILE
            self._restored = load_checkpoint(self._path, self._identity) if resume else None
        self.state = RunState() if self._restored is None else self._restored.state

    def run(
        self,
        learner: Learner,
        stream: Callable[[int, int], StepStream[Any]],
        *,
        validation: Validation | None = None,
        watcher: lightning.Callback | None = None,
        progress: Callable[[float, float], None] | None = None,
    ) -> None:
        """Train to the last step, and leave the best weights in the learner's network.

        Parameters
        ----------
        learner
            Made with `state`.
        stream
            Makes the batches of a device, see `gaitproof.train.stream.StepData`.
        validation
            Keeps the best weights and may end the run; its losses are in the log.
        watcher
            Looks at every step that is logged and kept.
        progress
            Called after every step with the share done and the loss.

        Raises
        ------
        ConfigError
            If the devices are not there, or the loss is no longer a number.
        """
        callbacks: list[lightning.Callback | None] = [Recorder(), validation]
        if self._restored is not None:
            learner.load_state_dict(self._restored.weights)
        if self._folder is not None:
            every = self._options.checkpoint_every
            callbacks += [
                RunLog(self._folder, self.state.step, learner.loss_names, learner.measure_names),
                Checkpoints(self._path, self._identity, every, self._restored),
            ]
        callbacks += [watcher, None if progress is None else Reporter(progress)]
        wanted = [one for one in callbacks if one is not None]
        trainer = make_trainer(self._options, learner.recipe, wanted)
        if not self.state.is_finished(learner.steps):
            run_to_end(trainer, learner, StepData(stream, self._options.loaders))
        if self.state.best:
            learner.network.load_state_dict(self.state.best)
