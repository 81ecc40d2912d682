"""What is asked over HTTP is answered as the package answers."""

import pytest


def test_a_claim_is_verified(service):
    job = service.wait(service.verify({"person": 0, "take": 2}))
    assert job["state"] == "done"
    assert job["progress"] == 1
    assert job["brief"]["decision"] == "AUTHENTIC"
    answer = service.http.get(f"/v1/jobs/{job['id']}/result").json()
    assert answer["headline"] == "AUTHENTIC — Verified as Ann"
    assert answer["source"] == "clip.mp4"


def test_a_claim_about_nobody_is_refused_before_any_work(service):
    answer = service.http.post("/v1/verifications", json={"claim": "Bob", "video": "0" * 32})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Bob" in answer.json()["detail"]
    assert "/" not in answer.json()["detail"]


def test_who_walks_most_like_that_is_told(service):
    job = service.do("identifications", video=service.upload({"person": 0, "take": 3}))
    assert job["brief"] == {"best": "Ann", "reason": ""}


def test_the_list_names_who_is_enrolled(service):
    [ann] = service.http.get("/v1/gallery").json()
    assert (ann["name"], ann["recordings"]) == ("Ann", 2)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Host": "evil.example"}, "host"),
        ({"Host": "localhost.evil.example:80"}, "host"),
        ({"Host": "localhost", "Origin": "http://evil.example"}, "origin"),
        ({"Host": "localhost", "Origin": "null"}, "origin"),
    ],
)
def test_a_web_page_elsewhere_reaches_nothing(service, headers, kind, problem):
    answer = service.http.post("/v1/videos", content=b"x", headers=headers)
    problem(answer, {"host": 400, "origin": 403}[kind], kind)


def test_what_the_page_may_load_is_its_own(service):
    headers = service.http.get("/v1/health").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
