"""The verdict over HTTP is that of Python, to the digit, and so is its report."""

import json
from functools import partial

import av
import pytest
from scripted import FRAME_SIZE, walk
from scripted_estimator import ScriptedEstimator
from scripted_service import FILMED, SHIPPED
from service_client import serving

import gaitproof as gp
from gaitproof.pose.extract import extract
from gaitproof.report.casefile.check import check_report
from gaitproof.text import json_text

pytestmark = pytest.mark.slow


def write_film(path, frames):
    """Write a blank film, which is really decoded; the pose in it is scripted."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height = FRAME_SIZE
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame(*FRAME_SIZE, "yuv420p")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service with the shipped model; only the pose is scripted."""
    with serving(tmp_path_factory.mktemp("service"), SHIPPED) as started:
        yield started


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", 100)


@pytest.fixture(scope="module")
def verified(service, film):
    """The job that verified the film as Bea, who is enrolled from another."""

    other = write_film(film.with_name("other.mp4"), 101)
    job = service.do("enrolments", name="Bea", videos=[upload(service, other)])
    assert job["state"] == "done", job["problem"]
    job = service.do("verifications", claim="Bea", video=upload(service, film))
    assert job["state"] == "done", job["problem"]
    return f"/v1/jobs/{job['id']}"


def test_the_verdict_is_the_same_to_the_digit(service, verified, film, monkeypatch):
    factory = partial(ScriptedEstimator.from_sequence, walk(**FILMED))
    extractor = partial(extract, estimator_factory=factory)
    real = gp.Verifier.open.__func__
    monkeypatch.setattr(
        gp.Verifier, "open", classmethod(lambda *a, **o: real(*a, **{**o, "extractor": extractor}))
    )
    gallery = service.http.app.state.service.settings.gallery("default")
    own = json.loads(json_text(gp.examine(film, "Bea", gallery).to_dict()))
    result = service.http.get(f"{verified}/result").json()
    assert result.pop("seconds") > 0
    assert own.pop("seconds") > 0
    assert (result.pop("source"), own.pop("source")) == ("film.mp4", str(film))
    assert result == own
    [recording] = service.http.get("/v1/gallery/Bea").json()["recordings"]
    assert recording["path"] == "other.mp4"
    assert result["similarity"] > 0.9


def test_the_report_passes_its_check(service, verified, film, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(service.http.get(f"{verified}/report.json").content)
    documents = []
    for form, begin in (("html", b"<!doctype html>"), ("pdf", b"%PDF-")):
        answer = service.http.get(f"{verified}/report.{form}")
        assert answer.content.lower().startswith(begin.lower())
        assert "attachment" in answer.headers["Content-Disposition"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        documents.append(tmp_path / f"report.{form}")
        documents[-1].write_bytes(answer.content)
    checked = check_report(path, video=film, documents=documents)
    assert checked.good, checked
    result = service.http.get(f"{verified}/result").json()
    assert checked.report.content.headline == result["headline"]


def test_a_job_without_a_report_says_so(service, problem):
    video = service.upload({"person": 0, "take": 2})
    service.do("enrolments", name="Cid", videos=[video])
    video = service.upload({"person": 0, "take": 3})
    job = service.do("verifications", claim="Cid", video=video, report=False)
    problem(service.http.get(f"/v1/jobs/{job['id']}/report.html"), 404, "no-report")
    assert service.http.get(f"/v1/jobs/{job['id']}/report.exe").status_code == 422


def upload(service, path):
    answer = service.http.post(f"/v1/videos?name={path.name}", content=path.read_bytes())
    return answer.json()["id"]


def test_an_explanation_is_files_that_run_nothing(service, verified, film):
    job = service.do("explanations", claim="Bea", video=upload(service, film))
    assert job["state"] == "done", job["problem"]
    url = f"/v1/jobs/{job['id']}/files"
    names = service.http.get(url).json()
    assert "explanation.json" in names
    uploads = str(service.http.app.state.service.settings.uploads).encode()
    for name in names:
        answer = service.http.get(f"{url}/{name}")
        assert answer.status_code == 200
        assert uploads not in answer.content
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    for name in ("../result.json", "..%2fresult.json", "nothing"):
        assert service.http.get(f"{url}/{name}").status_code in (404, 405)


def test_faces_are_looked_for_and_no_path_of_the_service_is_told(service, film):
    job = service.do("face-scans", video=upload(service, film))
    assert job["state"] == "done", job["problem"]
    assert job["brief"]["faces"] == 0
    result = service.http.get(f"/v1/jobs/{job['id']}/result").json()
    assert result["video"] == "film.mp4"
    assert str(service.http.app.state.service.settings.folder) not in json.dumps(result)


def test_what_cannot_be_compared_is_refused_by_the_client_s_name(service, tmp_path):
    (tmp_path / "no video.mp4").write_text("no video")
    video = upload(service, tmp_path / "no video.mp4")
    job = service.do("preservations", original=video, swapped=video)
    assert job["problem"]["status"] == 422
    assert "'no video.mp4'" in job["problem"]["detail"]


def test_reference_footage_is_kept_listed_and_removed(service, film, problem):
    job = service.do("references", name="lobby", videos=[upload(service, film)])
    assert job["state"] == "done", job["problem"]
    [footage] = service.http.get("/v1/references").json()
    assert (footage["footage"], footage["files"], footage["people"]) == ("lobby", 1, 1)
    assert service.http.delete("/v1/references/lobby").json()["people"] >= 1
    problem(service.http.delete("/v1/references/lobby"), 404, "unknown-footage")


def test_a_person_is_shown_and_removed(service, film, problem):
    job = service.do("enrolments", name="Dan", videos=[upload(service, film)])
    assert job["state"] == "done", job["problem"]
    assert service.http.get("/v1/gallery/dan").json()["name"] == "Dan"
    assert service.http.delete("/v1/gallery/Dan").json()["name"] == "Dan"
    problem(service.http.get("/v1/gallery/Dan"), 404, "unknown-person")
