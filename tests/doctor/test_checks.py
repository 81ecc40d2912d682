import hashlib
import json
from importlib import metadata
from pathlib import Path

import pytest

from gaitproof.doctor import checks, machine
from gaitproof.doctor.checks import (
    EXTRAS,
    check_decoder,
    check_libraries,
    check_packages,
    check_pose_model,
    check_python,
    check_renderer,
    check_weights,
)
from gaitproof.doctor.libraries import SYSTEM_LIBRARIES, SystemLibrary
from gaitproof.doctor.machine import Check, Status, check_disk, check_memory, healthy, run_trial
from gaitproof.media import sandbox
from gaitproof.media._confine import Confinement


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10), "missing"), ((3, 11), "ok"), ((3, 12), "ok"), ((3, 13), "missing")],
)
def test_python_versions(version, status):
    check = check_python(version, "text")
    assert check.status == status
    assert bool(check.remedy) == (status == "missing")


@pytest.mark.parametrize(
    ("line", "status", "group", "core"),
    [
        ("numpy>=1", "ok", "packages", True),
        ("numpy>=99", "warn", "packages", True),
        ("no-such-package-anywhere>=1", "missing", "packages", True),
        ('numpy>=1; extra == "synth"', "ok", "extra 'synth'", False),
        ('no-such-package-anywhere; extra == "train"', "missing", "extra 'train'", False),
    ],
)
def test_packages_are_compared_with_their_range(line, status, group, core):
    [check] = check_packages([line])
    assert (check.status, check.group, check.core) == (status, group, core)
    assert ("pip install" in check.remedy) == (status != "ok")


def test_a_package_of_two_extras_is_told_once():
    lines = ['numpy; extra == "dev"', 'numpy; extra == "train"', 'gaitproof[train]; extra == "dev"']
    assert [c.group for c in check_packages(lines)] == ["extra 'train'"]


def test_libraries_name_the_debian_package(monkeypatch):
    gone = SystemLibrary("libnosuchthing.so.7", "libnosuchthing7", "tests", core=True)
    monkeypatch.setattr(checks, "SYSTEM_LIBRARIES", (*SYSTEM_LIBRARIES, gone))
    monkeypatch.setattr(checks, "run_trial", lambda code: (False, "no"))
    *_, last = check_libraries()
    assert last.status is Status.MISSING
    assert "apt-get install -y libnosuchthing7" in last.remedy
    assert not healthy([last])


def test_a_library_that_opencv_does_without_is_fine(monkeypatch):
    gone = SystemLibrary("libnosuchthing.so.7", "libnosuchthing7", "tests", core=True)
    monkeypatch.setattr(checks, "SYSTEM_LIBRARIES", (gone,))
    [check] = check_libraries()
    assert check.status is Status.OK
    assert "not needed" in check.found


def test_every_extra_of_the_package_is_known_as_one():
    """An unknown one would count as needed by verification, and doctor would exit with 2."""
    extras = set(metadata.metadata("gaitproof").get_all("Provides-Extra") or [])
    assert set(EXTRAS) == extras
    wanted = 'transformers>=5; extra == "face"'
    assert [c.core for c in check_packages([wanted])] == [False]


def test_an_extra_does_not_make_it_unhealthy():
    fine = Check("g", "a", Status.OK, "x", core=True)
    absent = Check("g", "b", Status.MISSING, "x")
    assert healthy([fine, absent])
    assert not healthy([fine, Check("g", "c", Status.MISSING, "x", core=True)])


@pytest.mark.parametrize(
    ("code", "good", "text"),
    [
        ("print('one'); print('two')", True, "two"),
        ("raise ImportError('libGL.so.1: gone')", False, "ImportError: libGL.so.1: gone"),
        ("import os; os.kill(os.getpid(), 11)", False, "crashed with signal 11"),
        ("import time; time.sleep(60)", False, "no answer within 1 s"),
        ("raise SystemExit(5)", False, "left with status 5"),
    ],
)
def test_trials_survive_what_they_run(code, good, text):
    assert run_trial(code, timeout=1 if "sleep" in code else 60) == (good, text)


@pytest.mark.slow
def test_the_pose_model_runs_here():
    check = check_pose_model()
    assert (check.status, check.core) == (Status.OK, True), check.found


@pytest.mark.slow
def test_the_renderer_draws_here():
    check = check_renderer()
    assert (check.status, check.core) == (Status.OK, False), check.found


def test_a_missing_pose_model_is_told(monkeypatch):
    monkeypatch.setattr(checks, "package_dir", lambda name: None)
    assert check_pose_model().status is Status.MISSING
    assert "synth" in check_renderer().remedy


def _card(digest: str) -> str:
    rate = {"value": 0.1, "low": 0.0, "high": 0.2}
    return json.dumps(
        {
            "model_id": "m-1-0123",
            "architecture": "a",
            "embedding_size": 8,
            "weights_sha256": digest,
            "mean": [0.0] * 78,
            "std": [1.0] * 78,
            "operating_point": {"threshold": 0.9, "chosen_by": "x", "fmr": rate, "fnmr": rate},
            "calibration": {
                "slope": 1.0,
                "intercept": 0.0,
                "log10_lr_bound": 1.0,
                "subjects": 9,
                "mated_trials": 9,
                "nonmated_trials": 9,
            },
            "data": [],
            "protocol": "p",
            "figures": {},
            "licence": "l",
            "trained_on": "2026-01-01",
            "limits": "none",
        }
    )


@pytest.mark.parametrize("damage", ["none", "weights", "card", "no weights"])
def test_weights_must_match_their_card(tmp_path: Path, damage):
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "card.json").write_text(_card(hashlib.sha256(b"weights").hexdigest()))
    if damage == "weights":
        (folder / "model.onnx").write_bytes(b"other")
    elif damage == "card":
        (folder / "card.json").write_text("{")
    elif damage == "no weights":
        (folder / "model.onnx").unlink()
    [check] = check_weights(tmp_path, "encoder")
    assert check.status is (Status.OK if damage == "none" else Status.MISSING)
    assert check.core


@pytest.mark.parametrize(("package", "noun"), [("nets", "encoder"), ("face", "face model")])
def test_what_is_shipped_is_what_its_cards_describe(package, noun):
    results = list(check_weights(Path(checks.__file__).parents[1] / package / "weights", noun))
    assert results
    assert {check.status for check in results} == {Status.OK}


def test_no_weights_at_all(tmp_path):
    [check] = check_weights(tmp_path, "encoder")
    assert check.status is Status.MISSING


def test_a_full_disk_and_little_memory_warn(tmp_path, monkeypatch):
    assert check_disk(tmp_path).status in (Status.OK, Status.WARN)
    monkeypatch.setattr(machine, "MIN_FREE_DISK", 2**70)
    monkeypatch.setattr(machine, "MIN_MEMORY", 2**70)
    assert check_disk(tmp_path).status is Status.WARN
    assert check_memory().status is Status.WARN


@pytest.mark.parametrize(
    ("confinement", "status"),
    [
        (Confinement(7, True), Status.OK),
        (Confinement(0, True), Status.OK),
        (Confinement(7, False), Status.WARN),
        (Confinement(0, False), Status.WARN),
    ],
)
def test_decoder_says_what_it_is_kept_from(
    monkeypatch: pytest.MonkeyPatch, confinement: Confinement, status: Status
) -> None:
    monkeypatch.setattr(sandbox, "find_confinement", lambda: confinement)
    check = check_decoder()
    assert check.status is status
    assert ("Landlock" in check.found) == bool(confinement.landlock)
    assert ("seccomp" in check.found) == confinement.seccomp


def test_decoder_that_does_not_start_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_interpreter", lambda: ["/bin/false"])
    monkeypatch.setattr(sandbox, "_SERVER", sandbox._Server())
    check = check_decoder()
    sandbox._SERVER.stop()
    assert check.status is Status.MISSING
    assert check.core
    assert "sandbox" in check.remedy
