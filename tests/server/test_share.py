"""Nobody keeps the others out: neither by filling the queue nor by a job without end."""

import pytest
import tiny_worker
from service_client import serving

from gaitproof.server.access import Access, Role
from gaitproof.server.database import open_database
from gaitproof.server.settings import ServiceSettings
from gaitproof.server.state import Service


@pytest.mark.slow
def test_one_tenant_does_not_fill_the_queue(tmp_path, problem):
    engine = open_database(f"sqlite:///{tmp_path / 'service.db'}")
    keys = [Access(engine).add_key(tenant, Role.ENROLL)[1] for tenant in ("one", "other")]
    engine.dispose()
    one, other = ({"Authorization": f"Bearer {key}"} for key in keys)
    with serving(tmp_path, tiny_worker.COMMAND, max_queued=3) as service:

        def ask(name, headers):
            service.http.headers = headers
            body = {"name": name, "videos": [service.upload()]}
            return service.http.post("/v1/enrolments", json=body)

        running = ask("slow", one).json()
        service.wait(running, "running")
        waiting = [ask("Ann", one) for _ in range(2)]
        assert [answer.status_code for answer in waiting] == [202, 202]
        answer = ask("Ann", one)
        problem(answer, 429, "share-full")
        assert int(answer.headers["Retry-After"]) >= 1
        # there is room for the other one
        room = ask("Ann", other)
        assert room.status_code == 202
        problem(ask("Ann", other), 429, "queue-full")
        service.http.headers = one
        service.http.post(f"/v1/jobs/{running['id']}/cancel")
        assert service.wait(waiting[-1].json())["state"] == "done"
        service.http.headers = other
        assert service.wait(room.json())["state"] == "done"


@pytest.mark.slow
def test_a_job_that_takes_too_long_is_ended_and_the_next_is_done(tmp_path):
    with serving(tmp_path, tiny_worker.COMMAND, time_limit=4) as service:
        job = service.do("enrolments", name="slow", videos=[service.upload()])
        assert (job["state"], job["problem"]["type"]) == (
            "failed",
            "urn:gaitproof:problem:time-limit",
        )
        done = service.do("enrolments", name="Ann", videos=[service.upload()])
        assert done["state"] == "done"


@pytest.mark.parametrize(
    ("queue", "share", "tenants", "wait"),
    [(16, None, 0, 16), (16, None, 1, 16), (5, None, 2, 3), (16, 2, 1, 2), (1, None, 3, 1)],
)
def test_the_share_of_a_tenant(tmp_path, queue, share, tenants, wait):
    settings = ServiceSettings(folder=tmp_path, max_queued=queue, max_queued_per_tenant=share)
    service = Service(settings)
    for number in range(tenants):
        service.access.add_key(f"t{number}", Role.VERIFY)
    assert service.share() == wait
    service.engine.dispose()
