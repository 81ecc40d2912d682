"""What happened in a run: loss by loss as CSV and for TensorBoard."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import lightning.pytorch as lightning
from torch.optim import Optimizer

from gaitproof.errors import ConfigError
from gaitproof.media.files import write_atomically
from gaitproof.reading import FileKind, guarded, read_rows
from gaitproof.train.hardware import share_buffers
from gaitproof.train.learner import Learner, StepCallback

LOG_FILE: Final = "metrics.csv"
TENSORBOARD_FOLDER: Final = "tensorboard"
_METRICS: Final = FileKind("table of losses", ConfigError, hint="--no-resume starts the run again")


class Recorder(lightning.Callback):
    """Counts the steps and notes the losses; must be the first callback.

    Raises
    ------
    ConfigError
        If the loss is no longer a number.
    """

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note the step."""
        assert isinstance(pl_module, Learner)
        run = pl_module.run
        # the mean of all devices, where there are several
        loss = float(trainer.strategy.reduce(outputs["loss"], reduce_op="mean"))
        run.step += 1
        run.losses.append(loss)
        if not math.isfinite(loss):
            raise ConfigError(
                "The training has gone astray: its loss is not a number any more.",
                actual=f"{loss} in step {run.step}",
                hint="lower learning_rate or gradient_clip, or set precision to 32",
            )

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Leave all devices with one and the same network."""
        share_buffers(trainer, pl_module)


class Reporter(StepCallback):
    """Tells the caller how far the run is; must be the last callback.

    Parameters
    ----------
    progress
        Given the share done and the loss.
    """

    def __init__(self, progress: Callable[[float, float], None]) -> None:
        self._progress = progress

    def after_step(self, trainer: lightning.Trainer, learner: Learner) -> None:
        """Tell."""
        run = learner.run
        done = 1.0 if run.stopped else run.step / learner.steps
        self._progress(done, run.losses[-1])


class RunLog(StepCallback):
    """Writes every step to ``metrics.csv`` and to TensorBoard's event files.

    Parameters
    ----------
    folder
        The run's.
    done
        Steps the run goes on from: what was logged beyond them is struck out.
    losses
        Names of the losses; weighted, and empty where the recipe has none.
    measures
        Names of what a validation counts beside its loss.
    """

    def __init__(
        self, folder: Path, done: int, losses: Sequence[str], measures: Sequence[str] = ()
    ) -> None:
        self._columns = ("step", "loss", *losses, "learning_rate", "validation_loss", *measures)
        self._path = folder / LOG_FILE
        self._events = folder / TENSORBOARD_FOLDER
        self._done = done
        self._rate = 0.0

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open the files where they were left."""
        if not trainer.is_global_zero:
            return
        from torch.utils.tensorboard import SummaryWriter

        rows = _rows(self._path, self._done, len(self._columns))
        write_atomically(self._path, _table([self._columns, *rows]))
        self._file = self._path.open("a", newline="", encoding="utf-8")
        self._table = csv.writer(self._file)
        self._writer = SummaryWriter(str(self._events), purge_step=self._done + 1)

    def on_before_optimizer_step(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        optimizer: Optimizer,
    ) -> None:
        """Note the learning rate before the schedule moves it."""
        self._rate = float(optimizer.param_groups[0]["lr"])

    def after_step(self, trainer: lightning.Trainer, learner: Learner) -> None:
        """Write the step."""
        if not trainer.is_global_zero:
            return
        run = learner.run
        values: dict[str, float] = {
            "loss": run.losses[-1],
            **{name: part.item() for name, part in learner.parts.items()},
            "learning_rate": self._rate,
        }
        if run.validation and run.validation[-1][0] == run.step:
            values["validation_loss"] = run.validation[-1][1]
            values |= learner.measures
        # every row is flushed: what a killed run has done is on disk
        self._table.writerow([run.step, *(values.get(name, "") for name in self._columns[1:])])
        self._file.flush()
        for name, value in values.items():
            self._writer.add_scalar(name, value, run.step)

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Close the files."""
        self._close()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Close the files."""
        self._close()

    def _close(self) -> None:
        # what was logged of a run that failed is worth as much
        if hasattr(self, "_writer"):
            self._file.close()
            self._writer.close()


def _rows(path: Path, done: int, columns: int) -> list[list[str]]:
    """Read the rows of the steps that count; a row cut short by a kill does not."""
    if not path.exists():
        return []
    rows = [row for _, row in read_rows(path, _METRICS)][1:]
    with guarded(path, _METRICS):
        return [row for row in rows if len(row) == columns and int(row[0]) <= done]


def _table(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
