"""What happened in a run: loss by loss as CSV and for TensorBoard."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gaitproof.closing import Closing
from gaitproof.errors import ConfigError
from gaitproof.media.files import write_atomically
from gaitproof.reading import FileKind, guarded, read_rows
from gaitproof.train.learner import Learner

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
        write_atomically(path, _table([self._columns, *rows]))
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


def _table(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
