"""What the service hands to its processes, and what of its own places it keeps to itself."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from gaitproof.server import work
from gaitproof.server.models import EnrollRequest
from gaitproof.server.tasks import Task, TaskVideo, without_places

PLACE = "/srv/gait proof"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The gallery '/srv/gait proof/galleries/a.db' is damaged.", "The gallery is damaged."),
        ("'/srv/gait proof/galleries/a.db' is not a gallery.", "The gallery is not a gallery."),
        ("cannot write /srv/gait proof/galleries/a.db-wal, full", "Cannot write the gallery, full"),
        ('There is no gallery "/srv/gait proof/x".', "There is no gallery."),
        ("No server at postgresql+psycopg://u:secret@db/x?options=-c y", None),
        ("No server at 'postgresql://u@db/gait it'.", "No server at the gallery."),
        ("nothing is named here, /srv/other", "nothing is named here, /srv/other"),
        ("", ""),
    ],
)
def test_places_of_the_service_are_left_out(text, wanted):
    message = without_places(text, PLACE)
    assert wanted is None or message == wanted
    assert PLACE not in message
    assert "postgres" not in message
    assert "secret" not in message


@pytest.mark.slow
def test_a_damaged_gallery_is_reported_without_where_it_lies(serve, tmp_path):
    with serve() as service:
        service.enroll()
        gallery = service.http.app.state.service.settings.gallery("default")
        for name in (gallery, f"{gallery}-wal", f"{gallery}-shm"):
            Path(name).write_bytes(b"no gallery any more" * 1000)
        answers = [service.http.get("/v1/gallery"), service.http.get("/v1/gallery/Ann")]
        problems = [answer.json() for answer in answers]
        problems.append(
            service.do("identifications", video=service.upload({"person": 0}))["problem"]
        )
        for problem in problems:
            assert problem["status"] in (404, 409), problem
            assert str(tmp_path) not in json.dumps(problem)
            assert "gallery" in json.dumps(problem)


@pytest.mark.parametrize("face", [False, True])
def test_an_enrolment_takes_the_face_model_if_it_is_asked_to(face, tmp_path):
    given = {}

    class Tools(work.Tools):
        face = SimpleNamespace(model="the shipped model of faces")

        def verifier(self, task):
            def enroll(name, videos, **options):
                given.update(options)
                return SimpleNamespace(videos=(), name=name, to_dict=dict)

            return SimpleNamespace(enroll=enroll)

    video = TaskVideo(name="a.mp4", path=tmp_path / ("0" * 32))
    request = EnrollRequest(name="Ann", videos=["0" * 32], face=face).model_dump(mode="json")
    task = Task(
        kind="enrolment",
        folder=tmp_path / "job",
        gallery=str(tmp_path / "gallery.db"),
        videos=(video,),
        request=request,
    )
    work.perform(task, Tools(), lambda share: None)
    assert given["face_model"] == (Tools.face.model if face else None)
    assert given["names"] == ["a.mp4"]
