"""What became of questions: answers, and a file of them that is written after each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from gaitproof.cases.case import Case, Examiner
from gaitproof.errors import GaitproofError, InputError
from gaitproof.media.drafts import hold_folder
from gaitproof.media.files import atomic_path, compute_sha256
from gaitproof.reading import FileKind, parse_json, parse_table, read_text
from gaitproof.text import csv_text, json_text, one_line, printable
from gaitproof.types import Decision
from gaitproof.verify.people import Person

_ANSWERS: Final = FileKind(
    "file of answers",
    InputError,
    2**30,
    expected="answers of gaitproof verify --output",
    hint="name another file, or --again to write this one anew",
)

ERROR_STATUS: Final = 2
"""Process exit status where a video could not be used."""

COLUMNS: Final = (
    "video",
    "claim",
    "person",
    "decision",
    "headline",
    "similarity",
    "log10_lr",
    "log10_lr_bound",
    "reason",
    "error",
    "sha256",
    "model",
    "face_model",
)
"""Columns of a CSV file of answers."""

_KEY: Final = ("video", "claim", "person", "sha256", "model", "face_model")
"""What tells whether an answer of an earlier run still answers the question."""


@dataclass(frozen=True)
class Question:
    """Whom a video claims to show.

    Parameters
    ----------
    video
        The file.
    claim
        Name of the enrolled identity.
    person
        Which person of the video.
    """

    video: Path
    claim: str
    person: Person = "auto"


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a question.

    Parameters
    ----------
    question
        What was asked.
    values
        By the names of `COLUMNS`.
    case
        None if there is none: see `values`, an error or the answer of an earlier run.
    """

    question: Question
    values: Mapping[str, Any]
    case: Case | None = None

    @property
    def exit_status(self) -> int:
        """Status of ``gaitproof verify`` for this video alone."""
        decision = self.values["decision"]
        return ERROR_STATUS if not decision else Decision(decision).exit_status

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types: `values`, and under ``case`` everything that was found."""
        return {**self.values, "case": None if self.case is None else self.case.to_dict()}


def worst_status(statuses: Iterable[int]) -> int:
    """Return the exit status of many: that of an error, a deepfake, an open case, or 0."""
    seen = set(statuses)
    order = (
        ERROR_STATUS,
        Decision.DEEPFAKE.exit_status,
        Decision.INCONCLUSIVE.exit_status,
    )
    return next((status for status in order if status in seen), Decision.AUTHENTIC.exit_status)


def asked(question: Question, examiner: Examiner) -> dict[str, str]:
    """Return what is asked of which models, by the names of `COLUMNS`."""
    face = examiner.face
    return {
        "video": printable(str(question.video)),
        "claim": question.claim,
        "person": str(question.person),
        "model": examiner.verifier.encoder.card.model_id,
        "face_model": "" if face is None else face.model.card.model_id,
    }


class Ledger:
    """Answers of this run and of earlier ones."""

    def __init__(
        self,
        stream: IO[str] | None = None,
        form: Literal[".csv", ".jsonl"] = ".csv",
        known: Mapping[tuple[str, ...], Mapping[str, Any]] | None = None,
    ) -> None:
        self._stream = stream
        self._form = form
        self._known = known or {}

    def find(self, question: Question, examiner: Examiner) -> Mapping[str, Any] | None:
        """Return the earlier answer to a question about the same file, if there is one."""
        if not self._known:
            return None
        try:
            sha256 = compute_sha256(question.video)
        except GaitproofError:
            return None
        return self._known.get(_key(asked(question, examiner) | {"sha256": sha256}))

    def add(self, answer: Answer) -> None:
        """Write an answer down, to stay there whatever happens next."""
        if self._stream is None:
            return
        self._stream.write(_line(answer.values, answer, self._form))
        self._stream.flush()
        os.fsync(self._stream.fileno())


def _line(values: Mapping[str, Any], answer: Answer | None, form: str) -> str:
    if form == ".jsonl":
        whole = values if answer is None else answer.to_dict()
        return json_text(whole) + "\n"
    cells = {name: "" if values.get(name) is None else str(values[name]) for name in COLUMNS}
    # what tells questions apart keeps every space: two names may differ by one
    shown = [printable(cell) if name in _KEY else one_line(cell) for name, cell in cells.items()]
    return csv_text([shown])


@contextmanager
def open_ledger(path: Path | None, again: bool) -> Iterator[Ledger]:
    """Open the file of answers, or none, for one run; `again` forgets what it holds."""
    if path is None:
        yield Ledger()
        return
    form = check_output(path)
    busy = f"Another run writes answers into the folder of {str(path)!r}."
    with hold_folder(path.absolute().parent, busy):
        earlier = [] if again else read_answers(path)
        kept = {_key(values): values for values in earlier if not values.get("error")}
        # an error is tried again, and a line that a killed process began is dropped
        with atomic_path(path) as draft:
            text = "".join(_line(values, None, form) for values in kept.values())
            draft.write_text((csv_text([COLUMNS]) if form == ".csv" else "") + text, "utf-8")
        with path.open("a", encoding="utf-8", newline="") as stream:
            yield Ledger(stream, form, kept)


def check_output(path: Path) -> Literal[".csv", ".jsonl"]:
    """Return the form of a file of answers, by its ending.

    Raises
    ------
    InputError
        If it is neither ``.csv`` nor ``.jsonl``.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return ".csv"
    if suffix == ".jsonl":
        return ".jsonl"
    raise InputError(
        f"Answers cannot be written to {str(path)!r}.", expected="a name ending in .csv or .jsonl"
    )


def _key(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(printable(str(values.get(name) or "")) for name in _KEY)


def read_answers(path: Path) -> list[dict[str, Any]]:
    """Return the answers of an earlier run, without a line that was never finished.

    Raises
    ------
    InputError
        If the file holds something else or its name says no format.
    """
    form = check_output(path)
    if not path.exists():
        return []
    text = read_text(path, _ANSWERS)
    whole = text[: text.rfind("\n") + 1]
    if form == ".csv":
        header, rows = parse_table(whole, path, _ANSWERS)
        if whole and tuple(header) != COLUMNS:
            raise _foreign(path)
        return list(rows)
    lines = [parse_json(line, path, _ANSWERS) for line in whole.splitlines()]
    if not all(isinstance(line, dict) and {*_KEY, "case"} <= line.keys() for line in lines):
        raise _foreign(path)
    return lines


def _foreign(path: Path) -> InputError:
    return InputError(
        f"{str(path)!r} holds something else.", expected=_ANSWERS.expected, hint=_ANSWERS.hint
    )
