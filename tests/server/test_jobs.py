"""Jobs: bounded, cancelled, limited in time, asked for once, followed, deleted."""

import json
import threading
import time

import pytest
import tiny_worker
from service_client import serving


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A service whose processes do nothing, in the right way."""
    folder = tmp_path_factory.mktemp("tiny")
    with serving(folder, tiny_worker.COMMAND, max_queued=3) as service:
        yield service


@pytest.fixture
def ask(tiny):
    def do(name="Ann", **options):
        return tiny.ask("enrolments", name=name, videos=[tiny.upload()], **options)

    return do


@pytest.mark.slow
def test_the_queue_is_bounded(tiny, ask, problem):
    job = ask("slow")
    tiny.wait(job, "running")
    waiting = [ask() for _ in range(3)]
    body = {"name": "Ann", "videos": [tiny.upload()]}
    answer = tiny.http.post("/v1/enrolments", json=body)
    problem(answer, 429, "queue-full")
    assert int(answer.headers["Retry-After"]) >= 1
    assert tiny.http.get("/v1/health").json()["queued"] == 3
    for one in (job, *waiting):
        assert tiny.http.post(f"/v1/jobs/{one['id']}/cancel").status_code == 200
    assert tiny.http.post("/v1/enrolments", json=body).status_code == 202


@pytest.mark.slow
def test_a_job_is_cancelled_and_its_process_is_free_again(tiny, ask):
    job = ask("slow")
    tiny.wait(job, "running")
    answer = tiny.http.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert answer["state"] == "cancelled"
    assert tiny.wait(ask())["state"] == "done"
    assert tiny.job(job)["state"] == "cancelled"
    assert tiny.http.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


@pytest.mark.slow
def test_a_job_that_waits_is_taken_out_of_the_queue(tiny, ask):
    first, second = ask("slow"), ask()
    assert tiny.http.post(f"/v1/jobs/{second['id']}/cancel").json()["state"] == "cancelled"
    tiny.http.post(f"/v1/jobs/{first['id']}/cancel")
    assert tiny.wait(ask())["state"] == "done"
    assert tiny.http.get(f"/v1/jobs/{second['id']}/result").status_code == 409


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["crash", "unexpected"])
def test_what_goes_wrong_is_told_and_the_next_job_is_done(tiny, ask, kind):
    job = tiny.wait(ask(kind))
    assert job["state"] == "failed"
    assert job["problem"]["type"] == f"urn:gaitproof:problem:{kind}"
    assert "Traceback" not in json.dumps(job)
    assert tiny.wait(ask())["state"] == "done"


@pytest.mark.slow
def test_a_process_that_crashes_once_costs_nothing(tiny, ask):
    assert tiny.wait(ask("crash once"))["state"] == "done"


def test_the_same_key_is_the_same_job(tiny, problem):
    body = {"name": "Ann", "videos": [tiny.upload()]}
    first = tiny.ask("enrolments", key="one", **body)
    tiny.wait(first)
    # the video is gone by now, and it is not needed
    assert tiny.ask("enrolments", key="one", **body)["id"] == first["id"]
    headers = {"Idempotency-Key": "one"}
    answer = tiny.http.post("/v1/enrolments", json={**body, "name": "Bob"}, headers=headers)
    problem(answer, 422, "idempotency-key-reused")


def test_the_same_key_at_the_same_time_is_one_job(tiny):
    body = {"name": "Ann", "videos": [tiny.upload()]}
    jobs = []

    def ask():
        jobs.append(tiny.ask("enrolments", key="two", **body)["id"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == 8
    assert len(set(jobs)) == 1


def test_a_job_is_followed_until_it_is_over(tiny, ask):
    with tiny.http.stream("GET", f"/v1/jobs/{ask()['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        states = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert states[-1]["state"] == "done"
    shares = [one["progress"] for one in states]
    assert shares == sorted(shares)


def test_a_job_that_is_over_is_deleted_with_its_answer(tiny, ask, problem):
    url = f"/v1/jobs/{tiny.wait(ask())['id']}"
    assert tiny.http.get(f"{url}/result").json() == {"name": "Ann"}
    assert tiny.http.delete(url).status_code == 204
    problem(tiny.http.get(url), 404, "unknown-job")
    problem(tiny.http.get(f"{url}/result"), 404, "unknown-job")


@pytest.mark.slow
def test_a_job_under_way_has_no_answer_and_is_not_deleted(tiny, ask, problem):
    job = ask("slow")
    problem(tiny.http.delete(f"/v1/jobs/{job['id']}"), 409, "not-over")
    problem(tiny.http.get(f"/v1/jobs/{job['id']}/result"), 409, "not-done")
    problem(tiny.http.delete(f"/v1/videos/{job['videos'][0]}"), 409, "in-use")
    tiny.http.post(f"/v1/jobs/{job['id']}/cancel")


def test_a_video_is_gone_after_the_job_that_used_it(tiny, ask):
    job = tiny.wait(ask())
    until = time.monotonic() + 60
    while time.monotonic() < until and tiny.http.get("/v1/videos").json():
        time.sleep(0.1)
    assert job["videos"][0] not in {v["id"] for v in tiny.http.get("/v1/videos").json()}


@pytest.mark.parametrize("name", ["0" * 32, "not-a-job", "..%2f..%2fetc%2fpasswd"])
def test_what_is_no_job_is_a_problem(tiny, name):
    assert tiny.http.get(f"/v1/jobs/{name}").status_code in (404, 422)


def test_what_happened_is_counted(tiny, ask):
    tiny.wait(ask())
    text = tiny.http.get("/metrics").text
    assert 'gaitproof_jobs_total{kind="enrolment",outcome="done"}' in text
    assert 'gaitproof_requests_total{method="POST",status="202"}' in text
