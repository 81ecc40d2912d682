"""What of a pipeline is done, and from what it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from gaitproof.errors import InputError
from gaitproof.media.files import write_atomically
from gaitproof.reading import FileKind, guarded, read_json

STATE_FILE: Final = "pipeline.json"

Condition = Literal["done", "up to date", "skipped", "left out", "failed"]


@dataclass(frozen=True)
class StepResult:
    """What became of one step.

    Parameters
    ----------
    name
        Of the step.
    condition
        ``done`` now; ``up to date`` from an earlier run; ``skipped`` because the user said so;
        ``left out`` because it is impossible or useless here; ``failed``.
    text
        One or two sentences for people.
    seconds
        Of the run that did it.
    failures
        What could not be used, and why.
    facts
        Plain JSON types.
    """

    name: str
    condition: Condition
    text: str
    seconds: float = 0.0
    failures: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "failures": [list(pair) for pair in self.failures]}


class State:
    """The finished steps of a pipeline's folder, each with the fingerprint of its inputs.

    Parameters
    ----------
    folder
        The pipeline's. A state file that cannot be read counts as none: the steps are done again.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE_FILE
        self._steps: dict[str, dict[str, Any]] = {}
        kind = FileKind("state of a pipeline")
        with suppress(InputError):
            values = read_json(self._path, kind)
            with guarded(self._path, kind):
                self._steps = {str(name): dict(entry) for name, entry in values["steps"].items()}

    def finished(self, name: str, key: str, outputs: Sequence[Path]) -> StepResult | None:
        """Return a step's earlier result if its inputs are the same and its outputs are there."""
        entry = self._steps.get(name, {})
        if entry.get("key") != key or not all(path.exists() for path in outputs):
            return None
        try:
            return StepResult(
                name=name,
                condition="up to date",
                text=str(entry["text"]),
                seconds=float(entry["seconds"]),
                failures=tuple((str(what), str(why)) for what, why in entry["failures"]),
                facts=dict(entry["facts"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def knows(self, name: str) -> bool:
        """Whether the step was begun here before."""
        return name in self._steps

    def begin(self, name: str) -> None:
        """Note that a step's outputs are about to change: what was kept of it is void."""
        self._steps[name] = {}
        self._write()

    def keep(self, key: str, result: StepResult) -> None:
        """Note that a step is finished."""
        self._steps[result.name] = {"key": key, **result.to_dict()}
        self._write()

    def _write(self) -> None:
        text = json.dumps({"version": 1, "steps": self._steps}, indent=1, allow_nan=False)
        write_atomically(self._path, (text + "\n").encode())


def read_result(path: Path) -> dict[str, Any] | None:
    """Return what a step wrote as JSON; None if that is not there, or no object."""
    try:
        values = read_json(path, FileKind("result of a step"))
    except InputError:
        return None
    return values if isinstance(values, dict) else None
