"""What is kept is encrypted where there is a key, and what is over is gone from every file."""

import json
import time

import pytest
import tiny_worker
from service_client import serving
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import InputError
from gaitproof.media.drafts import hold_folder
from gaitproof.server.files import JobFiles, decrypt_upload, plain_copies
from gaitproof.server.rekeying import Rekeyed, rekey_service
from gaitproof.server.settings import ServiceSettings
from gaitproof.verify.encryption import KEY_VARIABLE, Key, save_key

KEY = Key(bytes(range(32)))
SECRET = "Zaphod-Beeblebrox"
"""A name that is looked for in files, as text and as bytes."""


def holding(folder, text):
    """Return the files below a folder that hold a text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.relative_to(folder) for path in files if text.encode() in path.read_bytes()]


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY.secret.hex())


def verify_somebody(service):
    """Verify a claim with two people in the video; return the job, which offers a choice."""
    tracks = ({"person": 0, "take": 2}, {"person": 1, "take": 2})
    video = service.upload(*tracks, note=SECRET)
    return service.do("verifications", claim="Ann", video=video, examiner=SECRET, report=False)


@pytest.mark.slow
def test_uploads_and_answers_are_encrypted_with_a_key(key, tmp_path):
    with serving(tmp_path) as service:
        service.enroll()
        waiting = service.upload({"person": 0, "take": 3}, note=SECRET)
        job = verify_somebody(service)
        assert job["state"] == "done", job["problem"]
        url = f"/v1/jobs/{job['id']}"
        assert service.http.get(f"{url}/result").json()["stated"]["examiner"] == SECRET
        assert len(service.http.get(f"{url}/people").json()) == 2
        # the request itself is in the queue's table, as it is in the audit log
        assert {path.suffix for path in holding(tmp_path, SECRET)} <= {".db", ".db-wal"}
        stored = list((tmp_path / "jobs" / job["id"]).rglob("*"))
        assert {path.name for path in stored} >= {"result.json", "people.json"}
        for path in [*(p for p in stored if p.is_file()), tmp_path / "uploads" / waiting]:
            assert b'"Ann"' not in path.read_bytes()  # three bytes come by chance
        plain = service.http.app.state.service.jobs._scratch
        assert plain.stat().st_mode & 0o777 == 0o700
        assert list(plain.iterdir()) == []
    assert not plain.exists()


@pytest.mark.slow
def test_without_the_key_nothing_is_answered(key, tmp_path, monkeypatch):
    with serving(tmp_path) as service:
        service.enroll()
        url = f"/v1/jobs/{verify_somebody(service)['id']}/result"
    for wrong in ("", "1f" * 32):
        monkeypatch.setenv(KEY_VARIABLE, wrong)
        with serving(tmp_path) as service:
            answer = service.http.get(url)
            assert answer.status_code == 422
            assert "key" in json.dumps(answer.json())
            assert "Ann" not in answer.text


def test_a_changed_or_exchanged_answer_is_none(tmp_path):
    one, other = (JobFiles(tmp_path / name, KEY) for name in ("one", "other"))
    one.write("result.json", b"{}")
    one.write("explanation/a.json", b"[1]")
    assert one.read_json("result.json") == {}
    assert one.list("explanation") == ["a.json"]
    other.write("result.json", b"{}")
    sealed = (one.folder / "result.json").read_bytes()
    for name, data in {
        "result.json": (other.folder / "result.json").read_bytes(),
        "explanation/a.json": sealed,
        "people.json": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "report.json": b"{}",
    }.items():
        (one.folder / name).write_bytes(data)
        with pytest.raises(InputError):
            one.read(name)


@pytest.mark.slow
def test_an_upload_is_decrypted_under_its_own_name_only(key, tmp_path):
    with serving(tmp_path / "service", tiny_worker.COMMAND) as service:
        video = service.upload(note="x" * 200_000)
        path = tmp_path / "service" / "uploads" / video
        decrypt_upload(path, tmp_path / "plain", KEY)
        assert json.loads((tmp_path / "plain").read_text())["note"] == "x" * 200_000
        other = path.rename(path.with_name("0" * 32))
        with pytest.raises(InputError):
            decrypt_upload(other, tmp_path / "again", KEY)


def test_what_a_killed_service_left_is_removed(tmp_path):
    with plain_copies(tmp_path) as folder:
        (folder / "left").write_text("plain")
    folder.mkdir()
    (folder / "left").write_text("plain")
    with plain_copies(tmp_path) as again:
        assert again == folder
        assert list(again.iterdir()) == []
    assert not folder.exists()


def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    with plain_copies(tmp_path) as folder:
        pass
    (tmp_path / "theirs").mkdir()
    folder.symlink_to(tmp_path / "theirs")
    try:
        with pytest.raises(InputError, match="plain copies"), plain_copies(tmp_path):
            pass
    finally:
        folder.unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.slow
@pytest.mark.parametrize("encrypted", [False, True])
def test_what_was_deleted_is_in_no_file(tmp_path, monkeypatch, encrypted):
    if encrypted:
        monkeypatch.setenv(KEY_VARIABLE, KEY.secret.hex())
    with serving(tmp_path) as service:
        service.enroll("Ann")
        service.enroll("Ford Prefect", person=1)
        vector = template(service, "Ford Prefect")
        job = verify_somebody(service)
        assert job["brief"]["choice_needed"]
        for video in service.http.get("/v1/videos").json():
            assert service.http.delete(f"/v1/videos/{video['id']}").status_code == 204
        for one in service.http.get("/v1/jobs").json()["jobs"]:
            assert service.http.delete(f"/v1/jobs/{one['id']}").status_code == 204
        if not encrypted:
            assert any(vector in path.read_bytes() for path in files_below(tmp_path))
        assert service.http.delete("/v1/gallery/Ford Prefect").status_code == 200
        until(lambda: files_below(tmp_path / "uploads") == [])
    # what was asked about whom stays in the audit log alone
    assert {str(path) for path in holding(tmp_path, SECRET)} <= {"service.db", "service.db-wal"}
    assert {str(p) for p in holding(tmp_path, "Ford Prefect")} <= {"service.db", "service.db-wal"}
    assert not any(vector in path.read_bytes() for path in files_below(tmp_path))
    assert files_below(tmp_path / "jobs") == []


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def template(service, name):
    """Return somebody's template as it is stored without a key."""
    gallery = service.http.app.state.service.gallery("default")
    [stored] = gallery.history(name).templates
    return gallery.template(name, stored.model_id, stored.estimator).vector.tobytes()


@pytest.mark.slow
def test_jobs_are_kept_as_long_as_was_said(tmp_path):
    with serving(tmp_path, tiny_worker.COMMAND, keep_results=1) as service:
        slow = service.ask("enrolments", name="slow", videos=[service.upload()])
        service.wait(slow, "running")
        job = service.ask("enrolments", name=SECRET, videos=[service.upload()])
        assert service.http.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200
        until(lambda: service.http.get(f"/v1/jobs/{job['id']}").status_code == 404)
        # what is not over stays
        assert service.job(slow)["state"] == "running"
        assert not (tmp_path / "jobs" / job["id"]).exists()
        entries = service.http.get("/v1/audit").json()
        assert {"expire job"} <= {entry["action"] for entry in entries}
        service.http.post(f"/v1/jobs/{slow['id']}/cancel")


@pytest.mark.slow
def test_all_that_a_service_stores_gets_another_key(tmp_path, monkeypatch):
    """From none to one, to another, and back; what waits in between is answered all the same."""
    data = tmp_path / "service"
    with serving(data) as service:
        service.enroll()
        waiting = service.upload({"person": 0, "take": 3}, note=SECRET)
        url = f"/v1/jobs/{verify_somebody(service)['id']}/result"
        answer = service.http.get(url).json()
    plain = (data / "uploads" / waiting).read_bytes()
    present = ""
    for name in ("one", "other", ""):
        monkeypatch.setenv(KEY_VARIABLE, present)
        words = [str(tmp_path / name)] if name else ["--decrypt"]
        key = Key.generate()
        if name:
            save_key(key, tmp_path / name)
        command = ["keys", "rekey", *words, "--data", str(data), "--json"]
        counts = json.loads(CliRunner().invoke(app, command).stdout)
        assert counts["key"] == (key.id if name else None)
        assert counts["rows"] > 0
        assert counts["uploads"] >= 1
        assert counts["answers"] >= 2
        again = json.loads(CliRunner().invoke(app, command).stdout)
        assert (again["rows"], again["uploads"], again["answers"]) == (0, 0, 0)
        present = key.secret.hex() if name else ""
        assert (SECRET.encode() in (data / "uploads" / waiting).read_bytes()) == (not name)
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert (data / "uploads" / waiting).read_bytes() == plain
    with serving(data) as service:
        assert service.http.get(url).json() == answer


def test_what_is_no_longer_encrypted_is_not_taken_for_what_was(tmp_path):
    """Who can write to the disk must not get their own answer sealed by the next change of keys."""
    settings = ServiceSettings(folder=tmp_path)
    new = Key.generate()
    job, upload = settings.jobs / "one", settings.uploads / ("0" * 32)
    for path in (job / "result.json", upload):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
        with pytest.raises(InputError):
            rekey_service(settings, [], KEY, new)
        assert path.read_bytes() == b"{}"
        assert [p.name for p in path.parent.iterdir()] == [path.name]
        path.unlink()
    JobFiles(job, KEY).write("result.json", b"{}")
    for wrong in (None, Key.generate()):
        with pytest.raises(InputError, match="key"):
            rekey_service(settings, [], wrong, new)
    with hold_folder(tmp_path, "busy"), pytest.raises(InputError, match="stop it"):
        rekey_service(settings, [], KEY, new)
    assert rekey_service(settings, [], KEY, new) == Rekeyed(0, 0, 1)
    assert JobFiles(job, new).read("result.json") == b"{}"
