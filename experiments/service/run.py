"""Load at twice the capacity, and kills at random."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.service.server import Server
from gaitproof.client import Client, Job, JobState, ServiceError

_READERS: Final = 4
"""Clients that ask for jobs, people and health all the time."""

_PAUSE: Final = 0.2
"""Seconds between two requests of one of them."""


@dataclass
class Answers:
    """How requests were answered: by status, and how long each took, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    most_queued: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def time(self, what: str, call: Callable[[], Any]) -> Any:
        """Make a request; return its answer, or None if it was refused."""
        begun, status, answer = time.perf_counter(), 200, None
        try:
            answer = call()
        except ServiceError as error:
            status = error.problem.status
        with self._lock:
            self.statuses[status] += 1
            self.seconds.setdefault(what, []).append(time.perf_counter() - begun)
        return answer

    def percentiles(self) -> dict[str, dict[str, float]]:
        """Return count, median, 95th and 99th percentile and largest time, by kind, in ms."""
        return {
            what: {"count": len(times), "max": 1000 * max(times)}
            | {f"p{q}": 1000 * float(np.percentile(times, q)) for q in (50, 95, 99)}
            for what, times in sorted(self.seconds.items())
        }


def measure_capacity(client: Client, video: Path, jobs: int = 3) -> float:
    """Return how long the service takes for one verification, seconds, one after another."""
    begun = time.monotonic()
    for _ in range(jobs):
        client.wait(client.verify(client.upload(video), "ann"))
    return (time.monotonic() - begun) / jobs


def load(server: Server, video: Path, seconds: float, each: float) -> Answers:
    """Ask for verifications twice as fast as they can be made, and for everything else besides.

    Parameters
    ----------
    server
        With ann enrolled.
    video
        To verify.
    seconds
        How long.
    each
        Seconds that one verification takes.
    """
    answers, until = Answers(), time.monotonic() + seconds

    def read() -> None:
        with Client(server.url) as client:
            while time.monotonic() < until:
                health = answers.time("health", client.health)
                if health is not None:
                    answers.most_queued = max(answers.most_queued, health["queued"])
                answers.time("jobs", client.jobs)
                answers.time("people", client.people)
                time.sleep(_PAUSE)

    readers = [threading.Thread(target=read) for _ in range(_READERS)]
    for reader in readers:
        reader.start()
    with Client(server.url) as client:
        begun, asked = time.monotonic(), 0
        while time.monotonic() < until:
            uploaded = answers.time("upload", lambda: client.upload(video))
            if uploaded is not None:
                answers.time("verify", partial(client.verify, uploaded, "ann"))
            asked += 1
            time.sleep(max(0.0, begun + asked * each / 2 - time.monotonic()))
    for reader in readers:
        reader.join()
    return answers


@dataclass
class Kills:
    """What became of jobs while processes were killed."""

    service: int = 0
    workers: int = 0
    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    wrong: int = 0


def kill(server: Server, videos: Sequence[Path], kills: int, seed: int) -> Kills:
    """Kill service or workers at random moments of jobs, and see what became of every job.

    Every job enrols somebody of its own from one video, with an idempotency key, and is asked for
    again after every kill: it must be one job, and one recording of one person.
    """
    draw, outcome = random.Random(seed), Kills()
    asked: dict[str, Job] = {}
    with Client(server.url) as client:
        while outcome.service + outcome.workers < kills:
            name = f"person {len(asked)}"
            video = draw.choice(videos)
            with suppress(ServiceError):  # too many wait: then only kills go on
                asked[name] = client.enroll(name, [client.upload(video)], once=name)
            time.sleep(draw.uniform(0.0, 6.0))
            if draw.random() < 0.5:
                outcome.workers += bool(server.kill_workers())
                continue
            server.kill()
            outcome.service += 1
            server.start()
            for name, job in asked.items():
                again = client.enroll(name, list(job.videos), once=name)
                outcome.doubled += again.id != job.id
        for job in asked.values():
            with suppress(ServiceError):
                client.wait(job, seconds=600)
        outcome.jobs = len(asked)
        ends = {name: client.job(job) for name, job in asked.items()}
        outcome.states = Counter(end.state.value for end in ends.values())
        outcome.lost = sum(not end.state.final for end in ends.values())
        outcome.doubled += len(client.jobs(limit=100)) - len(asked)
        people = {person.name: person.recordings for person in client.people()}
        for name, end in ends.items():
            outcome.wrong += (people.pop(name, 0) > 0) is not (end.state is JobState.DONE)
        outcome.wrong += len(people)
    return outcome
