"""The inside of a process that works: jobs come as lines of JSON, answers go back as such.

Every job is a call of the package's public interface. What the process is told of a job is all it
needs to know; models are loaded once and kept.

A line in: a `Task`. Lines out: ``{"progress": share}`` and at last one of ``{"done": {...}}``,
``{"problem": {...}}`` for an error of the package, ``{"unexpected": traceback}``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TextIO

from gaitproof.errors import GaitproofError
from gaitproof.media.files import make_folder
from gaitproof.server.files import JobFiles, decrypt_upload
from gaitproof.server.tasks import Kind, Task, without_places
from gaitproof.text import json_text
from gaitproof.verify.encryption import Key, find_key
from gaitproof.verify.people import parse_person

if TYPE_CHECKING:
    from gaitproof.cases.case import Case
    from gaitproof.cases.faces import FaceTools
    from gaitproof.nets.encoder import Encoder
    from gaitproof.report.casefile import CaseStatement
    from gaitproof.verify.people import Person
    from gaitproof.verify.verifier import Verifier

Progress = Callable[[float], None]

Answers = tuple[dict[str, Any], dict[str, Any]]
"""The whole answer, and what is worth to be told with the job's state."""

RESULT: Final = "result.json"
"""The answer, in the folder of a job."""

PEOPLE: Final = "people.json"
"""Who was seen, with images, where one must be chosen; in the folder of a job."""

REPORT: Final = "report.json"
"""The sealed report, in the folder of a job."""

EXPLANATION: Final = "explanation"
"""Folder of an explanation's files, in the folder of a job."""

PLAYER: Final = "player.json"
"""What the page draws over a video, in that folder."""

_NEWS_EVERY: Final = 0.5
"""Seconds between two lines of progress."""


class Tools:
    """What is loaded once in the life of a process."""

    @cached_property
    def encoder(self) -> Encoder:
        """The shipped model of gait."""
        from gaitproof.nets.onnx import OnnxEncoder

        return OnnxEncoder.load(None)

    @cached_property
    def face(self) -> FaceTools:
        """The shipped model of faces."""
        from gaitproof.cases.faces import FaceTools

        return FaceTools.load()

    @cached_property
    def key(self) -> Key | None:
        """What uploads and answers are encrypted with: the key that the environment names."""
        return find_key()

    def files(self, task: Task) -> JobFiles:
        """Return the files of a job."""
        return JobFiles(task.folder, self.key)

    def verifier(self, task: Task) -> Verifier:
        """Open the gallery of a job."""
        from gaitproof.verify.gallery import Gallery
        from gaitproof.verify.verifier import Verifier

        return Verifier.open(
            Gallery.open(task.gallery, make_folder=True),
            encoder=self.encoder,
            settings=task.settings,
            site=task.request.get("site", ""),
        )


def perform(task: Task, tools: Tools, progress: Progress) -> dict[str, Any]:
    """Do a job, and write its answer to `RESULT` in its folder.

    Returns
    -------
    dict
        What is worth to be told with the job's state.

    Raises
    ------
    GaitproofError
        If it cannot be done; nothing is written then.
    """
    make_folder(task.folder)
    answer, brief = _JOBS[task.kind](task, tools, progress)
    tools.files(task).write(RESULT, json_text(_shown(answer, task)).encode())
    return brief


def _person(task: Task) -> Person:
    return parse_person(str(task.request.get("person", "auto")))


def _case(task: Task, tools: Tools, progress: Progress) -> Case:
    from gaitproof.cases.case import Examiner

    face = tools.face if task.request.get("face") else None
    [video] = task.videos
    examiner = Examiner(tools.verifier(task), face)
    case = examiner.examine(
        video.path, task.request["claim"], person=_person(task), progress=progress
    )
    examination = case.examination
    named = replace(examination, verdict=replace(examination.verdict, source=video.name))
    if case.joint is None:
        return replace(case, examination=named)
    scan = case.joint.scan
    shown = replace(scan, video=replace(scan.video, path=Path(video.name)))
    return replace(case, examination=named, joint=replace(case.joint, scan=shown))


def _offer(files: JobFiles, people: list[dict[str, Any]]) -> None:
    files.write(PEOPLE, json.dumps(people).encode())


def _brief(case: Case) -> dict[str, Any]:
    return {
        "decision": case.decision.value,
        "headline": case.headline,
        "choice_needed": case.examination.verdict.choice_needed,
    }


def _stated(task: Task) -> CaseStatement:
    from gaitproof.report.casefile import CaseStatement

    given = {name: task.request.get(name, "") for name in CaseStatement.model_fields}
    return CaseStatement(**given)


def _verify(task: Task, tools: Tools, progress: Progress) -> Answers:
    from gaitproof.report.casefile import to_json

    stated = _stated(task)
    share = 0.9 if task.request.get("report", True) else 1.0
    case = _case(task, tools, lambda done: progress(share * done))
    if task.request.get("report", True):
        sealed = case.report(stated=stated)
        tools.files(task).write(REPORT, to_json(sealed))
        _keep_player(case, tools.files(task))
    answer = {**case.to_dict(), **stated.to_dict()}
    if case.examination.verdict.choice_needed:
        _offer(tools.files(task), answer.get("gait", answer)["people"])
    return answer, _brief(case)


def _keep_player(case: Case, files: JobFiles) -> None:
    """Keep what the page draws over the video, which is deleted."""
    from gaitproof.report.player import describe_player

    examination = case.examination
    drawn = describe_player(examination, case.importance() if examination.scored else None)
    files.write(f"{EXPLANATION}/{PLAYER}", json_text(drawn).encode())


def _identify(task: Task, tools: Tools, progress: Progress) -> Answers:
    [video] = task.videos
    identification = tools.verifier(task).identify(
        video.path, top=task.request.get("top", 5), person=_person(task), progress=progress
    )
    best = None if identification.reason else identification.candidates[0].name
    answer = replace(identification, source=video.name).to_dict()
    return answer, {"best": best, "reason": identification.reason}


def _enroll(task: Task, tools: Tools, progress: Progress) -> Answers:
    from gaitproof.report.people import draw_thumbnails, list_people
    from gaitproof.verify.results import ChoiceError

    try:
        enrolment = tools.verifier(task).enroll(
            task.request["name"],
            [video.path for video in task.videos],
            person=_person(task),
            names=[video.name for video in task.videos],
            progress=progress,
            face_model=tools.face.model if task.request.get("face") else None,
        )
    except ChoiceError as error:
        limits = task.settings.media
        shown = draw_thumbnails(Path(error.video), error.people, error.everybody, limits)
        _offer(tools.files(task), list_people(error.people, shown))
        raise
    added = sum(video.added for video in enrolment.videos)
    return enrolment.to_dict(), {"name": enrolment.name, "added": added}


def _preserve(task: Task, tools: Tools, progress: Progress) -> Answers:
    from gaitproof.verify.preservation import compare_videos

    original, swapped = task.videos
    preservation = compare_videos(
        original.path,
        swapped.path,
        person=_person(task),
        floor=task.request.get("floor", True),
        settings=task.settings,
        progress=progress,
    )
    named = replace(preservation, original=original.name, swapped=swapped.name)
    return named.to_dict(), {"outcome": preservation.outcome.value, "reason": preservation.reason}


def _scan(task: Task, tools: Tools, progress: Progress) -> Answers:
    from gaitproof.face.scan import scan_video

    [video] = task.videos
    scan = scan_video(video.path, tools.face.model, limits=task.settings.media, progress=progress)
    return scan.to_dict(), {"decision": scan.decision.value, "faces": len(scan.faces)}


def _explain(task: Task, tools: Tools, progress: Progress) -> Answers:
    case = _case(task, tools, lambda share: progress(share / 2))
    method = task.request.get("method", "occlusion")
    with tools.files(task).filling(EXPLANATION, task.scratch) as folder:
        answer = case.explain(folder, method, progress=lambda share: progress((1 + share) / 2))
    return answer, _brief(case)


def _reference(task: Task, tools: Tools, progress: Progress) -> Answers:
    references = tools.verifier(task).add_references(
        task.request["name"], [video.path for video in task.videos], progress=progress
    )
    return references.to_dict(), {"footage": references.footage, "added": references.added}


_JOBS: Final[dict[Kind, Callable[[Task, Tools, Progress], Answers]]] = {
    "verification": _verify,
    "identification": _identify,
    "enrolment": _enroll,
    "preservation": _preserve,
    "face-scan": _scan,
    "explanation": _explain,
    "reference": _reference,
}


def _shown(value: Any, task: Task) -> Any:
    """Put the client's names for its files where paths of this machine would be told."""
    if isinstance(value, Mapping):
        return {name: _shown(one, task) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one, task) for one in value]
    if not isinstance(value, str):
        return value
    for video in task.videos:
        value = value.replace(str(video.path), video.name)
    for folder in filter(None, (task.folder, task.scratch)):
        value = value.replace(str(folder), "the job")
    return without_places(value, task.gallery)


def answer(line: str, tools: Tools, say: Callable[[dict[str, Any]], None]) -> None:
    """Do the job of a line and say how it goes and what became of it."""
    from gaitproof.server.problems import describe

    task = Task.model_validate_json(line)
    latest = 0.0

    def progress(share: float) -> None:
        nonlocal latest
        if time.monotonic() - latest >= _NEWS_EVERY:
            latest = time.monotonic()
            say({"progress": round(min(max(share, 0.0), 1.0), 3)})

    try:
        task = _decrypted(task, tools.key)
        say({"done": perform(task, tools, progress)})
    except GaitproofError as error:
        say({"problem": _shown(describe(error).model_dump(exclude_none=True), task)})
    except Exception:
        say({"unexpected": traceback.format_exc()})


def _decrypted(task: Task, key: Key | None) -> Task:
    """Return the job with plain copies of its videos; the service removes them with the job."""
    if key is None or task.scratch is None:
        return task
    task.scratch.mkdir(mode=0o700, exist_ok=True)
    plain = {video.path: task.scratch / video.path.name for video in task.videos}
    for source, target in plain.items():
        target.unlink(missing_ok=True)  # of a try that crashed
        decrypt_upload(source, target, key)
    videos = tuple(video.model_copy(update={"path": plain[video.path]}) for video in task.videos)
    return task.model_copy(update={"videos": videos})


def main(tools: Tools | None = None) -> None:
    """Work until nobody gives work any more."""
    # what libraries print must not come between the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, lines), daemon=True).start()

    def say(value: dict[str, Any]) -> None:
        try:
            answers.write(json.dumps(value) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(0)

    loaded = tools or Tools()
    while True:
        answer(lines.get(), loaded, say)


def _listen(stream: TextIO, lines: SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)
    # the service is gone, and with it whoever wants an answer
    os._exit(0)


if __name__ == "__main__":
    main()
