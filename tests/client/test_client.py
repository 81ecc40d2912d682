"""Both clients against a real service, over a real connection."""

import asyncio
import inspect

import pytest
import tiny_worker
from scripted_serve import running

from gaitproof.client import AsyncClient, Client, JobState, ServiceError, calls
from gaitproof.errors import MediaError
from gaitproof.server.access import Access, Role
from gaitproof.server.database import open_database
from gaitproof.server.settings import ServiceSettings

pytestmark = pytest.mark.slow

METHODS = sorted(
    name for name, f in vars(calls).items() if inspect.isfunction(f) and name in dir(Client)
)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Address of a service with a key, and the key."""
    settings = ServiceSettings(folder=tmp_path_factory.mktemp("client"), time_limit=60)
    engine = open_database(settings.database)
    _, key = Access(engine).add_key("default", Role.ADMIN)
    engine.dispose()
    with running(settings, tiny_worker.COMMAND) as server:
        yield server.url, key


@pytest.fixture
def client(service):
    with Client(*service) as opened:
        yield opened


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "ännchen.mp4"
    path.write_bytes(b"[]")
    return path


def test_every_call_is_a_method_of_both():
    assert len(METHODS) == 17
    for name in METHODS:
        one, other = (inspect.signature(getattr(kind, name)) for kind in (Client, AsyncClient))
        assert one == other
        assert getattr(Client, name).__doc__


def test_a_job_from_upload_to_answer(client, video):
    uploaded = client.upload(video)
    assert (uploaded.name, uploaded.bytes) == ("ännchen.mp4", 2)
    shares = []
    job = client.wait(client.enroll("Ann", [uploaded]), seconds=60, progress=shares.append)
    assert job.state is JobState.DONE
    assert shares[-1] == 1
    assert client.result(job) == {"name": "Ann"}
    assert client.jobs(limit=1)[0].id == job.id
    assert client.people() == []
    assert client.health()["status"] == "ok"


def test_the_same_awaited(service, video):
    async def ask():
        async with AsyncClient(*service) as client:
            job = await client.enroll("Bob", [await client.upload(video, name="b.mp4")], once="b")
            again = await client.enroll("Bob", job.videos, once="b")
            done = await client.wait(job, seconds=60)
            return again.id == done.id, await client.result(done)

    assert asyncio.run(ask()) == (True, {"name": "Bob"})


def test_a_failure_is_an_error_that_says_what_to_do(client, video):
    job = client.enroll("crash", [client.upload(video)])
    with pytest.raises(ServiceError, match="crashed") as caught:
        client.wait(job, seconds=60)
    assert caught.value.problem.type == "urn:gaitproof:problem:crash"
    with pytest.raises(ServiceError, match="Nobody called 'Cid'") as caught:
        client.remove_person("Cid")
    assert caught.value.problem.status == 404
    with pytest.raises(MediaError):
        client.upload(video.with_name("none.mp4"))


def test_waiting_has_an_end(client, video):
    job = client.enroll("slow", [client.upload(video)])
    with pytest.raises(ServiceError, match="not over yet"):
        client.wait(job, seconds=0.1)
    assert client.cancel(job).state is JobState.CANCELLED
    with pytest.raises(ServiceError, match="cancelled"):
        client.wait(job)


@pytest.mark.parametrize(
    ("url", "key", "message"),
    [
        ("http://127.0.0.1:9", None, "cannot be reached"),
        (None, "gp_wrong", "needs a valid key"),
        (None, None, "needs a valid key"),
    ],
)
def test_no_service_or_no_key_is_an_error(service, url, key, message):
    with Client(url or service[0], key) as client, pytest.raises(ServiceError, match=message):
        client.people()
