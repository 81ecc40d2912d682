"""Claims about many videos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from gaitproof.cases.answers import COLUMNS, Answer, Question, asked, open_ledger
from gaitproof.cases.case import Examiner
from gaitproof.data.listing import videos_below
from gaitproof.errors import GaitproofError, InputError
from gaitproof.reading import FileKind, read_table
from gaitproof.verify.people import Person, parse_person
from gaitproof.verify.probes import part_of
from gaitproof.verify.scene import Progress

_TABLE: Final = FileKind(
    "table of claims",
    InputError,
    2**26,
    expected="a CSV file with the columns path and claim, and perhaps person",
)


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
    questions = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112  # unlike Path.is_dir, False where nobody may look
            questions += [
                Question(video, _claimed(claim, video), person) for video in videos_below(path)
            ]
        elif path.suffix.lower() == ".csv":
            questions += read_claims(path, claim, person)
        else:
            questions.append(Question(path, _claimed(claim, path), person))
    return list(dict.fromkeys(questions))


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
        Called with the share of all that is done, 0 to 1.

    Raises
    ------
    InputError
        If `output` cannot be written, holds something else, or another run writes to it.
    """
    with open_ledger(output, again) as ledger:
        for number, question in enumerate(questions):
            share = part_of(progress, number, len(questions))
            known = ledger.find(question, examiner)
            if known is not None:
                yield Answer(question, known)
            else:
                answer = _answer(question, examiner, share)
                ledger.add(answer)
                yield answer
            if share is not None:
                share(1.0)


def _answer(question: Question, examiner: Examiner, progress: Progress | None) -> Answer:
    values = dict.fromkeys(COLUMNS) | asked(question, examiner) | {"error": ""}
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
