"""What is killed in the middle of a job loses nothing, and does nothing twice."""

import os
import signal
import time

import httpx
import pytest
from living import is_running, wait_for_end
from scripted_serve import running
from service_client import Scripted

from gaitproof.server.settings import ServiceSettings

pytestmark = pytest.mark.slow


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = ServiceSettings(folder=tmp_path_factory.mktemp("service"))
    with running(settings) as service, httpx.Client(base_url=service.url, timeout=60) as http:
        scripted = Scripted(http)
        scripted.enroll()
        yield service, scripted


@pytest.fixture
def running_job(client):
    """A job in the middle of its work, one that waits, and the processes that work."""
    service, scripted = client
    first = scripted.verify({"person": 0, "take": 2}, seconds=2)
    second = scripted.verify({"person": 1, "take": 2})
    scripted.wait(first, "running")
    until(lambda: scripted.job(first)["progress"] > 0)
    return first, second, service.workers()


def check(scripted, first, second):
    assert scripted.wait(first)["brief"]["decision"] == "AUTHENTIC"
    assert scripted.wait(second)["brief"]["decision"] == "DEEPFAKE"
    [ann] = scripted.http.get("/v1/gallery").json()
    assert ann["recordings"] == 2


def test_a_killed_process_costs_one_try(client, running_job):
    _, scripted = client
    *jobs, workers = running_job
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    check(scripted, *jobs)


def test_a_killed_service_begins_its_jobs_again(client, running_job):
    service, scripted = client
    *jobs, workers = running_job
    before = len(scripted.http.get("/v1/jobs?limit=100").json()["jobs"])
    service.kill()
    wait_for_end(workers)
    service.start()
    check(scripted, *jobs)
    assert len(scripted.http.get("/v1/jobs?limit=100").json()["jobs"]) == before


def test_a_stopped_service_leaves_nothing_behind_and_goes_on_later(client, running_job, capfd):
    service, scripted = client
    *jobs, workers = running_job
    # uvicorn ends as the signal would have ended it, once everything is closed
    assert service.stop() == -signal.SIGTERM
    assert not any(map(is_running, workers))
    assert capfd.readouterr().err == ""
    service.start()
    check(scripted, *jobs)
