"""Who asks too often has to wait, and who sends too much is refused."""

import pytest

from gaitproof.server.state import RateLimit


@pytest.mark.slow
def test_who_asks_too_often_has_to_wait(serve, problem):
    with serve(requests_per_minute=3) as service:
        answers = [service.http.get("/v1/jobs") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        problem(answers[-1], 429, "rate")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
        assert service.http.get("/v1/health").status_code == 200


@pytest.mark.slow
def test_wrong_keys_make_their_sender_wait(serve):
    with serve() as service:
        service.http.post("/v1/keys", json={"role": "admin"})
        wrong = {"Authorization": "Bearer nothing"}
        statuses = [service.http.get("/v1/jobs", headers=wrong).status_code for _ in range(25)]
        assert statuses[:20] == [401] * 20
        assert statuses[-1] == 429


def test_tokens_come_back_evenly():
    now = [0.0]
    rate = RateLimit(60, clock=lambda: now[0])
    assert [rate.take("a") for _ in range(60)] == [0.0] * 60
    assert rate.take("a") == pytest.approx(1.0)
    assert rate.take("b") == 0
    now[0] = 1.0
    assert rate.take("a") == 0
    assert rate.take("a") == pytest.approx(1.0)


@pytest.mark.slow
def test_what_is_too_large_is_refused_before_it_is_read(serve, problem):
    with serve(max_upload=1000) as service:
        problem(service.http.post("/v1/videos", content=b"x" * 1001), 413, "too-large")
        # without a length: cut off in the middle
        chunks = (b"x" * 100 for _ in range(10**6))
        problem(service.http.post("/v1/videos", content=chunks), 413, "too-large")
        problem(service.http.post("/v1/videos", content=b""), 422, "empty-upload")
        assert list(service.http.app.state.service.settings.uploads.iterdir()) == []
        problem(service.http.post("/v1/verifications", content=b" " * 10**6), 413, "too-large")
        chunks = (b" " * 1000 for _ in range(1000))
        assert service.http.post("/v1/verifications", content=chunks).status_code == 413
