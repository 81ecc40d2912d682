"""What is asked over HTTP is answered as the package answers, and what means harm is refused."""

import io
import json
import pickle
import zipfile
from pathlib import Path

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


CORPUS = sorted((Path(__file__).parents[2] / "fuzz" / "corpus").glob("video-*"))


def bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10**7)
    return buffer.getvalue()


HOSTILE = {
    "text": b"no video",
    "pickle": pickle.dumps({"a": 1}),
    "zip": bomb(),
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "nulls": b"\0" * 4096,
    "mp4 with a huge box": b"\0\0\0\x01ftypisom" + b"\xff" * 64,
    **{path.name: path.read_bytes() for path in CORPUS},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(service, name):
    answer = service.http.post("/v1/videos?name=clip.mp4", content=HOSTILE[name] or b"\0")
    assert answer.status_code == 201
    job = service.do("verifications", claim="Ann", video=answer.json()["id"], report=False)
    if job["state"] == "done":  # a file that can be read after all, and shows nobody
        assert job["brief"]["decision"] == "INCONCLUSIVE"
    else:
        assert job["problem"]["status"] == 422
        assert "'clip.mp4'" in job["problem"]["detail"]
    written = json.dumps(job)
    assert "/tmp" not in written
    assert "passwd" not in written
    assert "root:" not in written


def test_the_corpus_is_there():
    assert len(CORPUS) >= 8


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "a\r\nX-Evil: 1",
        "\u202egp4.exe",
        "x" * 200,
        " ",
        "",
    ],
)
def test_a_name_is_text_and_nothing_else(service, name):
    answer = service.http.post("/v1/videos", params={"name": name}, content=b"no video")
    assert answer.status_code == 201
    shown = answer.json()["name"]
    assert shown.isprintable()
    assert shown
    folder = service.http.app.state.service.settings.uploads
    assert all(len(path.name) == 32 for path in folder.iterdir())
