"""Uploads that mean harm: each is refused, as a problem that blames the file, not as a fault."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest

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
    told = json.dumps(job)
    assert "/tmp" not in told
    assert "passwd" not in told
    assert "root:" not in told


def test_the_corpus_is_there():
    assert len(CORPUS) >= 8


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
