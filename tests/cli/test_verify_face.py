import json
from pathlib import Path

import numpy as np
import pytest
from scripted import ScriptedEncoder, ScriptedExtractor
from synthetic_joint import make_face, make_scan, make_weights
from tiny_face_model import make_weights as make_network
from tiny_face_model import write_model
from typer.testing import CliRunner

import gaitproof.face.scan
from gaitproof.cases import exhibits
from gaitproof.cli.app import app
from gaitproof.errors import ModelError
from gaitproof.media.files import compute_sha256
from gaitproof.verify.verifier import Verifier

CALIBRATION = {"slope": 0.4, "intercept": 0.0, "log10_lr_bound": 1.3, "people": 20}


@pytest.fixture(autouse=True)
def scripted(monkeypatch, tmp_path):
    """Replace pixels and the gait network; everything else is the real command."""
    real = Verifier.open.__func__

    def open_scripted(cls, gallery, **options):
        options["encoder"] = ScriptedEncoder()
        return real(cls, gallery, **options, extractor=ScriptedExtractor())

    monkeypatch.setattr(Verifier, "open", classmethod(open_scripted))
    monkeypatch.setattr(exhibits, "show_frames", lambda *_: ())
    monkeypatch.setattr(exhibits, "show_explanation", lambda *_: ())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("GAITPROOF_GALLERY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "m", make_network(), calibration=CALIBRATION)


RATE = {"value": 0.1, "low": 0.0, "high": 0.2}
RELATION = {
    "centre": 0.0,
    "shared": 0.5,
    "fake_below": 0.2,
    "false_real": RATE,
    "false_fake": RATE,
    "undecided": RATE,
    "people": 20,
    "conditions": "halves of one recording",
}


@pytest.fixture
def see(monkeypatch):
    """Make the scan see these faces."""

    def faces(*seen):
        def scan(path, model, settings=None, **options):
            return make_scan(*seen, sha256=compute_sha256(path))

        monkeypatch.setattr(gaitproof.face.scan, "scan_video", scan)

    return faces


@pytest.fixture
def run():
    def do(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return do


@pytest.fixture
def ask(run, tmp_path):
    """Enrol p0, then verify a walk as p0 with the face."""
    for take in (0, 1):
        (tmp_path / f"{take}.mp4").write_text(json.dumps([{"person": 0, "take": take}]))
    assert run("enroll", "p0", "0.mp4", "1.mp4").exit_code == 0

    def do(person, *arguments):
        tracks = [] if person is None else [{"person": person, "take": 2}]
        (tmp_path / "probe.mp4").write_text(json.dumps(tracks))
        return run("verify", "probe.mp4", "--claim", "p0", "--face-model", "m", *arguments)

    return do


@pytest.mark.slow
@pytest.mark.parametrize(
    ("person", "face", "status", "headline"),
    [
        (0, ("REAL", 1.0), 0, "AUTHENTIC — Verified as p0: the walk matches the claim, the face "
         "shows no manipulation"),
        (0, ("FAKE", -1.0), 1, "DEEPFAKE OF p0 — the walk matches the claim, the face shows "
         "manipulation"),
        (5, ("REAL", 1.0), 1, "DEEPFAKE OF p0 — the walk contradicts the claim, the face shows no "
         "manipulation"),
        (5, ("FAKE", -1.0), 1, "DEEPFAKE OF p0 — the walk contradicts the claim, the face shows "
         "manipulation"),
        (0, None, 0, "AUTHENTIC — Verified as p0: the walk matches the claim, the face was not "
         "judged"),
        (None, ("REAL", 1.0), 3, "INCONCLUSIVE — The face shows no manipulation, but it alone does "
         "not tell who the person is. No person was found."),
        (None, ("FAKE", -1.0), 1, "DEEPFAKE OF p0 — the walk could not be compared, the face shows "
         "manipulation"),
        (None, None, 3, "INCONCLUSIVE — No person was found."),
    ],
)  # fmt: skip
def test_answer_and_exit_status(ask, see, person, face, status, headline):
    see(*([make_face(*face)] if face else []))
    done = ask(person, "--face")
    assert done.exit_code == status, done.output
    assert done.stdout.splitlines()[0] == headline
    as_json = ask(person, "--face", "--json")
    assert as_json.exit_code == status
    answer = json.loads(as_json.stdout)
    assert answer["headline"] == headline
    assert answer["gait"]["decision"] in ("AUTHENTIC", "DEEPFAKE", "INCONCLUSIVE")
    assert len(answer["scan"]["faces"]) == (face is not None)
    walk = answer["gait"]["log10_lr"]
    if face is None:
        assert answer["log10_lr"] == walk
    if person is None and face is not None:
        assert answer["log10_lr"] == face[1]


def test_what_people_are_told(ask, see):
    see(make_face("FAKE", -1.0))
    printed = " ".join(ask(0, "--face").stdout.replace("│", " ").split())
    for part in (
        "the video shows p0's own body, and the face in it is not manipulated",
        "somebody else's body, or a manipulated face, or both",
        "No weights were learnt",
        "footage of the true person with replaced lips or a reenacted face",
        "a lookalike, an actor, a wrong name",
        "accepted though manipulated: 12.0%",
        "genuine, called a deepfake: at most 14.0%",
        "AUTHENTIC — Verified as p0",
        "Face model tiny-1: For tests only.",
        "5 of 5 two-second windows usable",
    ):
        assert part in printed, part


def test_weights_from_a_file(ask, see, tmp_path):
    see(make_face("REAL", 1.0))
    weights = make_weights("scripted-1", "tiny-1")
    (tmp_path / "w.json").write_text(weights.model_dump_json())
    answer = json.loads(ask(0, "--face", "--fusion", "w.json", "--json").stdout)
    walk = answer["gait"]["log10_lr"]
    assert answer["log10_lr"] == pytest.approx(min(0.25 * walk + 0.25 + 0.5, 1.2))
    assert "learnt on 16 people" in answer["rule"]
    (tmp_path / "w.json").write_text("{}")
    assert isinstance(ask(0, "--face", "--fusion", "w.json").exception, ModelError)


def test_without_face_nothing_of_it_is_done(run, ask, monkeypatch):
    monkeypatch.setattr(gaitproof.face.scan, "scan_video", lambda *_, **__: pytest.fail("scanned"))
    refused = ask(0)
    assert refused.exit_code == 2
    assert "needs --face" in " ".join(refused.output.split())
    plain = run("verify", "probe.mp4", "--claim", "p0", "--json")
    assert plain.exit_code == 0
    assert "scan" not in json.loads(plain.stdout)
    assert run("verify", "probe.mp4", "--claim", "p0", "--fusion", "x").exit_code == 2


def test_bad_face_models_are_refused_before_any_work(run, ask, monkeypatch):
    ask(0)
    monkeypatch.setattr(Verifier, "examine", lambda *_, **__: pytest.fail("work was done"))
    done = run("verify", "probe.mp4", "--claim", "p0", "--face", "--face-model", "none")
    assert isinstance(done.exception, ModelError)


@pytest.mark.slow
def test_reports_tell_of_both(ask, see, run, tmp_path):
    see(make_face("FAKE", -1.0))
    done = ask(0, "--face", "--report", "r.html", "--report", "r.json", "--report", "r.pdf")
    assert done.exit_code == 1, done.output
    content = json.loads((tmp_path / "r.json").read_text())["content"]
    assert content["joint"]["decision"] == "DEEPFAKE"
    assert content["face_model"]["model_id"] == "tiny-1"
    assert len(content["faces"]) == 1
    assert content["command"].endswith("--face-model m --face")
    checked = run(
        "report", "check", "r.json", "--video", "probe.mp4", "--document", "r.html",
        "--document", "r.pdf", "--json",
    )  # fmt: skip
    answer = json.loads(checked.stdout)
    assert answer["good"]
    assert answer["headline"].startswith("DEEPFAKE OF p0 — the walk matches")


def test_a_report_without_a_face_to_show(ask, see, tmp_path):
    see()
    assert ask(0, "--face", "--report", "r.json").exit_code == 0
    content = json.loads((tmp_path / "r.json").read_text())["content"]
    assert content["faces"] == []
    assert content["joint"]["face"] is None


@pytest.fixture
def related(run, tmp_path, monkeypatch):
    """Enrol p0 with faces by model r; returns which scans were made, with their references."""
    write_model(tmp_path / "r", make_network(), calibration=CALIBRATION, relation=RELATION)
    scanned = []

    def scan(path, model, settings=None, **options):
        scanned.append((Path(path).name, tuple(options.get("references", ()))))
        return make_scan(make_face("REAL", 1.0), sha256=compute_sha256(path))

    monkeypatch.setattr(gaitproof.face.scan, "scan_video", scan)
    for take in (0, 1, 2):
        (tmp_path / f"{take}.mp4").write_text(json.dumps([{"person": 0, "take": take}]))
    enrolled = run("enroll", "p0", "0.mp4", "1.mp4", "--face", "--face-model", "r", "--json")
    assert enrolled.exit_code == 0, enrolled.output
    assert scanned == [("0.mp4", ()), ("1.mp4", ())]
    return scanned


@pytest.mark.slow
@pytest.mark.parametrize(
    ("video", "model", "count", "note"),
    [
        ("2.mp4", "r", 2, "taken relative to that of 2 enrolled videos"),
        ("1.mp4", "r", 1, "taken relative to that of 1 enrolled video,"),  # itself is none
        ("2.mp4", "m", 0, ""),  # another face model has other scores
    ],
)
def test_the_face_is_taken_relative_to_those_that_were_enrolled(
    run, related, video, model, count, note
):
    options = ("--claim", "p0", "--face", "--face-model", model, "--json")
    done = run("verify", video, *options)
    assert done.exit_code in (0, 3), done.output
    score = np.float32(make_face("REAL", 1.0).frames[0].score)
    assert related[-1] == (video, pytest.approx((score,) * count))
    notes = " ".join(json.loads(done.stdout)["notes"])
    assert note in notes
    assert ("relative to" in notes) == bool(note)


def test_faces_filmed_in_another_way_are_left_out(run, related, tmp_path):
    site = ("--site", "elsewhere", "--claim", "p0", "--face", "--face-model", "r", "--json")
    done = run("verify", "2.mp4", *site)
    assert related[-1] == ("2.mp4", ())
    assert "enrolled faces left out" in " ".join(json.loads(done.stdout)["notes"])


def test_a_model_that_cannot_use_references_is_refused_before_anything_is_stored(run, tmp_path):
    (tmp_path / "0.mp4").write_text(json.dumps([{"person": 0, "take": 0}]))
    done = run("enroll", "p0", "0.mp4", "--face", "--face-model", "m")
    assert isinstance(done.exception, ModelError)
    assert run("verify", "0.mp4", "--claim", "p0").exit_code != 0


def test_faces_are_not_kept_for_a_whole_manifest(run, tmp_path):
    (tmp_path / "m.csv").write_text("path,subject\n")
    assert run("enroll", "--manifest", "m.csv", "--face", "--face-model", "r").exit_code != 0
