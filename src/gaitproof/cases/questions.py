"""Claims about many videos, and a file of the answers that is kept after each."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from gaitproof.cases.case import Case, Examiner
from gaitproof.errors import GaitproofError, InputError
from gaitproof.media.files import atomic_path, compute_sha256
from gaitproof.pose.batch import videos_below
from gaitproof.reading import FileKind, parse_json, parse_table, read_table, read_text
from gaitproof.text import json_text, one_line, printable
from gaitproof.types import Decision
from gaitproof.verify.people import Person, parse_person
from gaitproof.verify.probes import Progress, part_of

_TABLE: Final = FileKind(
    "table of claims",
    InputError,
    2**26,
    expected="a CSV file with the columns path and claim, and perhaps person",
)
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
    found = set(statuses)
    order = (
        ERROR_STATUS,
        Decision.DEEPFAKE.exit_status,
        Decision.INCONCLUSIVE.exit_status,
    )
    return next((status for status in order if status in found), Decision.AUTHENTIC.exit_status)


def find_questions(
    paths: Iterable[Path], claim: str | None, person: Person = "auto"
) -> list[Question]:
    """List what is asked about videos, folders of videos and tables of claims (``.csv``).

    Parameters
    ----------
    paths
        A table's videos lie where it says, seen from the table's folder.
    claim, person
        Of videos and folders, and of rows that leave theirs empty.

    Raises
    ------
    InputError
        If a folder or table cannot be used, or nobody is claimed.
    """
    found = []
    for path in paths:
        if path.is_dir():
            found += [
                Question(video, _claimed(claim, video), person) for video in videos_below(path)
            ]
        elif path.suffix.lower() == ".csv":
            found += read_claims(path, claim, person)
        else:
            found.append(Question(path, _claimed(claim, path), person))
    return list(dict.fromkeys(found))


def _claimed(claim: str | None, video: Path) -> str:
    if not claim:
        raise InputError(
            f"Whom does {str(video)!r} claim to show?",
            hint="--claim NAME, or a table (.csv) with the columns path and claim",
        )
    return claim


def read_claims(
    path: Path, claim: str | None = None, person: Person = "auto"
) -> Iterator[Question]:
    """Yield the rows of a table of claims; arguments and errors as `find_questions`."""
    header, rows = read_table(path, _TABLE)
    if "path" not in header or not ("claim" in header or claim):
        raise InputError(
            f"The {_TABLE.noun} {str(path)!r} lacks a column.",
            expected=_TABLE.expected,
            actual=", ".join(header)[:200] or "an empty file",
        )
    if not rows:
        raise InputError(f"The {_TABLE.noun} {str(path)!r} holds no row.")
    for row in rows:
        own = row.get("person", "").strip()
        video = path.parent / row["path"]
        yield Question(
            video,
            _claimed(row.get("claim", "").strip() or claim, video),
            parse_person(own) if own else person,
        )


def examine_many(
    questions: Sequence[Question],
    examiner: Examiner,
    *,
    output: Path | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> Iterator[Answer]:
    """Examine one claim after another; a video that cannot be used stops no other.

    Parameters
    ----------
    questions
        What is asked.
    examiner
        Answers.
    output
        File that holds every answer, ending in ``.csv`` (`COLUMNS`) or ``.jsonl`` (one
        `Answer.to_dict` per line). It is written after each, so that the same call resumes an
        interrupted run: what was answered about the same file by the same models is kept.
    again
        Answer everything anew.
    progress
        Told the share of all that is done, 0 to 1.

    Raises
    ------
    InputError
        If `output` cannot be written, holds something else, or another run writes to it.
    """
    with _open_ledger(output, again) as ledger:
        for number, question in enumerate(questions):
            told = part_of(progress, number, len(questions))
            known = ledger.find(question, examiner)
            if known is not None:
                yield Answer(question, known)
            else:
                answer = _answer(question, examiner, told)
                ledger.add(answer)
                yield answer
            if told is not None:
                told(1.0)


def _answer(question: Question, examiner: Examiner, progress: Progress | None) -> Answer:
    values = dict.fromkeys(COLUMNS) | _models(examiner)
    values |= {
        "video": printable(str(question.video)),
        "claim": question.claim,
        "person": str(question.person),
        "error": "",
    }
    try:
        case = examiner.examine(
            question.video, question.claim, person=question.person, progress=progress
        )
    except GaitproofError as error:
        return Answer(question, values | {"error": str(error)})
    answer, verdict = case.answer, case.examination.verdict
    values |= {name: getattr(answer, name) for name in ("headline", "reason", "log10_lr")}
    values |= {
        "decision": answer.decision.value,
        "similarity": verdict.similarity,
        "log10_lr_bound": answer.log10_lr_bound,
        "sha256": verdict.source_sha256,
    }
    return Answer(question, values, case)


def _models(examiner: Examiner) -> dict[str, str]:
    face = examiner.face
    return {
        "model": examiner.verifier.encoder.card.model_id,
        "face_model": "" if face is None else face.model.card.model_id,
    }


class _Ledger:
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
        models = _models(examiner)
        return self._known.get(
            (
                printable(str(question.video)),
                question.claim,
                str(question.person),
                sha256,
                models["model"],
                models["face_model"],
            )
        )

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
    return _csv_line(["" if values.get(name) is None else values[name] for name in COLUMNS])


def _csv_line(cells: Sequence[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(one_line(str(cell)) for cell in cells)
    return stream.getvalue()


@contextmanager
def _open_ledger(path: Path | None, again: bool) -> Iterator[_Ledger]:
    if path is None:
        yield _Ledger()
        return
    form = check_output(path)
    with _held(path):
        earlier = [] if again else read_answers(path)
        kept = {_key(values): values for values in earlier if not values.get("error")}
        # an error is tried again, and a line that a killed process began is dropped
        with atomic_path(path) as draft:
            text = "".join(_line(values, None, form) for values in kept.values())
            draft.write_text((_csv_line(COLUMNS) if form == ".csv" else "") + text, "utf-8")
        with path.open("a", encoding="utf-8", newline="") as stream:
            yield _Ledger(stream, form, kept)


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


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the file's name against other runs; let go of by the system if this one is killed."""
    try:
        handle = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be written.", actual=error.strerror or str(error)
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"Another run writes answers into the folder of {str(path)!r}.",
                hint="wait for it, or choose another folder",
            ) from error
        yield
    finally:
        os.close(handle)


def _key(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(values.get(name) or "") for name in _KEY)


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
