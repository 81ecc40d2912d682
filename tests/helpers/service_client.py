"""What tests ask a service over and over."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from scripted_service import COMMAND

from gaitproof.server.app import create_app
from gaitproof.server.settings import ServiceSettings

FINAL = ("done", "failed", "cancelled")


@dataclass
class Scripted:
    """A client of a service whose processes see scripted walkers.

    `http` is an ``httpx.Client``, or the application's own test client.
    """

    http: Any

    def upload(self, *tracks, **options):
        """Upload a "video" of walkers, or of what is to go wrong; return its identifier."""
        content = {**options, "walk": tracks} if options else list(tracks)
        answer = self.http.post("/v1/videos?name=clip.mp4", content=json.dumps(content))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def ask(self, what, *, key=None, **body):
        """Ask for a job; return it as it is accepted."""
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.http.post(f"/v1/{what}", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, job):
        return self.http.get(f"/v1/jobs/{job['id']}").json()

    def wait(self, job, state=FINAL, seconds=120):
        """Wait until a job is in a state; return it."""
        states = (state,) if isinstance(state, str) else state
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            current = self.job(job)
            if current["state"] in states:
                return current
            time.sleep(0.05)
        raise AssertionError(f"after {seconds} s the job is {current['state']}")

    def do(self, what, **body):
        """Ask for a job and wait until it is over."""
        return self.wait(self.ask(what, **body))

    def verify(self, *tracks, claim="Ann", **options):
        return self.ask(
            "verifications", claim=claim, report=False, video=self.upload(*tracks, **options)
        )

    def enroll(self, name="Ann", person=0):
        videos = [self.upload({"person": person, "take": take}) for take in (0, 1)]
        job = self.do("enrolments", name=name, videos=videos)
        assert job["state"] == "done", job
        return job


@contextmanager
def serving(folder, command=COMMAND, **settings):
    """Run a service in this process; its processes are real."""
    app = create_app(ServiceSettings(folder=folder, **settings), command)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as http:
        yield Scripted(http)
