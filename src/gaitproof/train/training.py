"""One training on Lightning's Fabric, whatever is learnt: resumed, validated, logged, kept."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from gaitproof.closing import Closing
from gaitproof.errors import ConfigError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.reading import FileKind, guarded, read_rows
from gaitproof.text import csv_text
from gaitproof.train.checkpoint import (
    CHECKPOINT_FILE,
    Checkpoint,
    Identity,
    load_checkpoint,
    save_checkpoint,
)
from gaitproof.train.hardware import TrainerSettings, launched, make_fabric, share_buffers
from gaitproof.train.learner import Learner, RunState
from gaitproof.train.stream import StepStream, torch_seed
from gaitproof.train.validation import Validation

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from torch.optim import Optimizer


LOG_FILE: Final = "metrics.csv"
TENSORBOARD_FOLDER: Final = "tensorboard"
_METRICS: Final = FileKind("table of losses", ConfigError, hint="--no-resume starts the run again")


class RunLog(Closing):
    """Writes every step to ``metrics.csv`` and to TensorBoard's event files.

    Parameters
    ----------
    folder
        The run's.
    learner
        Names its losses and what its validation counts beside them. The run goes on from its step:
        what was logged beyond it is struck out.
    """

    def __init__(self, folder: Path, learner: Learner) -> None:
        from torch.utils.tensorboard import SummaryWriter

        path, done = folder / LOG_FILE, learner.run.step
        names = (*learner.loss_names, "learning_rate", "validation_loss", *learner.measure_names)
        self._columns = ("step", "loss", *names)
        rows = _rows(path, done, len(self._columns))
        write_atomically(path, csv_text([self._columns, *rows], "\r\n").encode())
        self._file = path.open("a", newline="", encoding="utf-8")
        self._table = csv.writer(self._file)
        self._writer = SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=done + 1)

    def after_step(self, learner: Learner, rate: float) -> None:
        """Write the step, which was taken at this learning rate."""
        run = learner.run
        values: dict[str, float] = {
            "loss": run.losses[-1],
            **{name: part.item() for name, part in learner.parts.items()},
            "learning_rate": rate,
        }
        if run.validation and run.validation[-1][0] == run.step:
            values["validation_loss"] = run.validation[-1][1]
            values |= learner.measures
        # every row is flushed: what a killed run has done is on disk
        self._table.writerow([run.step, *(values.get(name, "") for name in self._columns[1:])])
        self._file.flush()
        for name, value in values.items():
            self._writer.add_scalar(name, value, run.step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        self._writer.close()


def _rows(path: Path, done: int, columns: int) -> list[list[str]]:
    """Read the rows of the steps that count; a row cut short by a kill does not."""
    if not path.exists():
        return []
    rows = [row for _, row in read_rows(path, _METRICS)][1:]
    with guarded(path, _METRICS):
        return [row for row in rows if len(row) == columns and int(row[0]) <= done]


class RunOptions(TypedDict, total=False):
    """Where a training is kept and runs; no part of the recipe, since it changes no weight."""

    run_folder: Path | None
    """For ``checkpoint.safetensors``, ``metrics.csv`` and ``tensorboard/``; None keeps none."""
    resume: bool
    """Go on from the checkpoint in `run_folder`, if there is one: the result is that of a run that
    was never stopped. Else the run starts again."""
    trainer_options: TrainerSettings | None
    """Devices; by default one, the fastest there is."""


class Training:
    """A run, fresh or resumed; make it before the network, since a checkpoint may be refused.

    Parameters
    ----------
    identify
        Says which run it is; asked only if something is kept.
    run_folder, resume, trainer_options
        See `RunOptions`.

    Attributes
    ----------
    state
        Where the run stands.
    options
        Devices.

    Raises
    ------
    ConfigError
        If the checkpoint is of another run.
    """

    def __init__(
        self,
        identify: Callable[[], Identity],
        *,
        run_folder: Path | None = None,
        resume: bool = True,
        trainer_options: TrainerSettings | None = None,
    ) -> None:
        self._folder, self.options = run_folder, trainer_options or TrainerSettings()
        self._restored: Checkpoint | None = None
        if run_folder is not None:
            self._identity = identify()
            self._path = make_folder(run_folder) / CHECKPOINT_FILE
            self._restored = load_checkpoint(self._path, self._identity) if resume else None
        self.state = RunState() if self._restored is None else self._restored.state

    def run(
        self,
        learner: Learner,
        stream: Callable[[int, int], StepStream[Any]],
        *,
        accumulate: int = 1,
        validation: Validation | None = None,
        watcher: Callable[[Learner], None] | None = None,
        progress: Callable[[float, float], None] = lambda share, loss: None,
    ) -> None:
        """Train to the last step, and leave the best weights in the learner's network.

        Parameters
        ----------
        learner
            Made with `state`.
        stream
            Makes the batches of a device, given its number and how many there are.
        accumulate
            Batches of a step: it is taken by the mean of their gradients.
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
        state, folder = self.state, self._folder
        fabric = make_fabric(self.options, learner.recipe)
        if self._restored is not None:
            learner.load_state_dict(self._restored.weights)
        if not state.is_finished(learner.steps):
            with launched(fabric), ExitStack() as held:
                log = None
                if folder is not None and fabric.is_global_zero:
                    log = held.enter_context(RunLog(folder, learner))
                for optimiser, rate in self._steps(fabric, learner, stream, accumulate):
                    if validation is not None:
                        validation.after_step(fabric, learner)
                    if log is not None:
                        log.after_step(learner, rate)
                        self._keep(fabric, learner, optimiser)
                    if watcher is not None:
                        watcher(learner)
                    done = 1.0 if state.stopped else state.step / learner.steps
                    progress(done, state.losses[-1])
                    if state.stopped:
                        break
                share_buffers(fabric, learner)
        if state.best:
            learner.network.load_state_dict(state.best)

    def _steps(
        self,
        fabric: Fabric,
        learner: Learner,
        stream: Callable[[int, int], StepStream[Any]],
        accumulate: int,
    ) -> Iterator[tuple[Optimizer, float]]:
        """Take step after step; give the optimiser and the learning rate that it had."""
        state, recipe = self.state, learner.recipe
        plain = learner.make_optimiser()
        module, optimiser = fabric.setup(learner, plain)
        if self._restored is not None:
            plain.load_state_dict(self._restored.optimiser)
            if learner.schedule is not None:
                learner.schedule.load_state_dict(self._restored.schedule)
            fabric.strategy.precision.load_state_dict(self._restored.scaler)
        batches = iter(
            DataLoader(
                stream(fabric.global_rank, fabric.world_size),
                batch_size=None,
                num_workers=self.options.loaders,
            )
        )
        while not state.is_finished(learner.steps):
            optimiser.zero_grad()
            losses, parts = [], []
            for place, batch in enumerate(islice(batches, accumulate)):
                # every batch has a random generator of its own, so that any can be taken again
                number = state.step * accumulate + place
                torch.manual_seed(torch_seed(recipe.seed, number, fabric.global_rank))
                loss = module(fabric.to_device(batch)) / accumulate
                fabric.backward(loss)
                losses.append(loss.detach())
                parts.append(learner.parts)
            learner.parts = {
                name: torch.stack([one[name].detach() for one in parts]).mean() for name in parts[0]
            }
            learner.before_step()
            fabric.clip_gradients(
                module, optimiser, max_norm=recipe.gradient_clip, error_if_nonfinite=False
            )
            rate = float(plain.param_groups[0]["lr"])
            optimiser.step()
            if not isinstance(learner.schedule, ReduceLROnPlateau | None):
                learner.schedule.step()
            mean: Any = fabric.all_reduce(torch.stack(losses).sum(), reduce_op="mean")
            self._count(float(mean))
            yield plain, rate

    def _count(self, loss: float) -> None:
        state = self.state
        state.step += 1
        state.losses.append(loss)
        if not math.isfinite(loss):
            raise ConfigError(
                "The training diverged: its loss is not a number any more.",
                actual=f"{loss} in step {state.step}",
                hint="lower learning_rate or gradient_clip, or set precision to 32",
            )

    def _keep(self, fabric: Fabric, learner: Learner, optimiser: Optimizer) -> None:
        """Write a checkpoint, if it is time."""
        state = self.state
        if state.step % self.options.checkpoint_every == 0 or state.is_finished(learner.steps):
            scaler = fabric.strategy.precision.state_dict()
            save_checkpoint(self._path, self._identity, learner, optimiser.state_dict(), scaler)
