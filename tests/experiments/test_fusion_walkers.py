import csv
import io
import json
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_face_model import write_model
from typer.testing import CliRunner

from experiments.__main__ import make_app
from experiments.fusion_walkers import answers as answers_of
from experiments.fusion_walkers import run as bench
from gaitproof.errors import ConfigError, InputError
from gaitproof.evaluate.fusion import FACE, UNLEARNT, WALK
from gaitproof.evaluate.fusion_trials import GENUINE, REENACTED, STRANGER, SWAPPED
from gaitproof.report.fusion_tables import figures_table
from gaitproof.synth.walking_faces.dataset import list_clips
from gaitproof.synth.writer import subject_name
from gaitproof.types import Decision
from gaitproof.verify.fusion.rule import fuse
from gaitproof.verify.fusion.verdict import Answers, JointVerdict, Says

pytestmark = pytest.mark.slow

SETTINGS = bench.WalkersSettings(people=16, draws=20)
NOISE = np.random.default_rng(2)
RATIOS = {
    (clip.path, kind): NOISE.normal(0, 0.4)
    for clip in list_clips(SETTINGS.plan)
    for kind in ("walk", "face")
}


class Ears:
    """Stands in for the verifier: knows who walks, and is a little wrong."""

    encoder = SimpleNamespace(card=SimpleNamespace(model_id="walk-1"))

    def __init__(self):
        self.enrolled = {}

    def enroll(self, name, videos):
        if name == "p003":
            raise InputError("No walk to be seen.")
        self.enrolled[name] = [path.name for path in videos]

    def examine(self, video, *, claim):
        if video.stem.endswith("short"):
            ratio = None
        else:
            path = "/".join(video.parts[-2:])
            ratio = (0.8 if video.parent.name == claim else -0.8) + RATIOS[path, "walk"]
        return SimpleNamespace(verdict=SimpleNamespace(log10_lr=ratio), tracks=())


def look(path, model):
    """Stand in for the scan."""
    name = "/".join(path.parts[-2:])
    forged = any(word in path.stem for word in ("swap", "lips"))
    ratio = (-0.8 if forged else 0.8) + RATIOS[name, "face"]
    return None if path.stem.endswith("far") else ratio


def conclude(verdict, scan, card, tracks):
    """Stand in for the joint verdict."""
    both = verdict.log10_lr, scan
    known = [ratio for ratio in both if ratio is not None]
    ratio = float(fuse(*both)) if len(known) == 2 else known[0]
    says = [Says.MISSING if one is None else Says.FOR if one > 0 else Says.AGAINST for one in both]
    return JointVerdict(
        decision=Decision.AUTHENTIC if ratio > 0 else Decision.DEEPFAKE,
        claim="somebody",
        reason="",
        walk=says[0],
        face_says=says[1],
        answers=Answers.BOTH,
        log10_lr=ratio,
        log10_lr_bound=None,
        rule="",
        false_authentic_walk=None,
        false_authentic_face=None,
        false_deepfake=None,
        # a face that was found and not judged has a ratio that must not count
        face=SimpleNamespace(log10_lr=-9.0 if scan is None else scan),
    )


@contextmanager
def quiet(title):
    yield lambda *_: None


@pytest.fixture
def ears(monkeypatch, tmp_path):
    made = Ears()
    model = write_model(tmp_path / "model")
    card = model / "card.json"
    changed = json.loads(card.read_text()) | {"figures": {"validation/clip/auc": 0.9}}
    card.write_text(json.dumps(changed))
    monkeypatch.setattr(bench, "make_walking_faces", lambda *_, **__: None)
    monkeypatch.setattr(bench, "_learn_faces", lambda *_: model)
    monkeypatch.setattr(bench, "Verifier", SimpleNamespace(open=lambda *_, **__: made))
    monkeypatch.setattr(bench, "scan_video", look)
    monkeypatch.setattr(bench, "join", conclude)
    return made


def test_every_clip_of_the_last_walk_is_claimed_by_whom_it_could_show():
    claims = answers_of.list_claims(SETTINGS.plan)
    assert len(claims) == 16 * 4 * 3  # kinds, and the two copies
    own = {one.kind: one for one in claims if one.clip.person == 5 and not one.clip.copy}
    assert {kind: (one.clip.path, one.claimed) for kind, one in own.items()} == {
        GENUINE: ("p005/02.mp4", 5),
        STRANGER: ("p005/02.mp4", 4),
        SWAPPED: ("p005/02_swap.mp4", 4),  # whose face it is
        REENACTED: ("p005/02_lips.mp4", 5),
    }


def test_the_experiment(ears, tmp_path):
    result = bench.run(tmp_path / "run", SETTINGS, quiet)
    assert set(ears.enrolled["p000"]) == {"00.mp4", "01.mp4"}
    # whose enrolment fails is not claimed, and the reason is kept
    assert list(result.left_out) == ["p003"]
    assert all(subject_name(one.claim.claimed) != "p003" for one in result.answers)
    fusion = result.fusion
    assert fusion.weights.gait_model == "walk-1"
    assert fusion.weights.groups == 8  # pairs who exchange faces
    title = str(figures_table(fusion, "pairs of people").title)
    assert title.startswith("8 pairs of people, ")
    assert fusion.systems[WALK].by_kind[REENACTED].value < 0.8
    assert fusion.systems[FACE].by_kind[STRANGER].value < 0.8
    assert fusion.systems[UNLEARNT].auc.value > 0.9
    counts = {(one.copy, one.kind): one for one in result.counts}
    assert counts["", GENUINE].claims == 15
    assert (counts["", GENUINE].no_walk, counts["", GENUINE].no_face) == (0, 0)
    far, short = counts["far", SWAPPED], counts["short", SWAPPED]
    assert far.no_face == far.unchanged == far.claims == far.face["missing"] == 15
    assert short.no_walk == short.unchanged == short.walk["missing"] == 15
    assert sum(short.decisions.values()) == 15
    rows = list(csv.DictReader(io.StringIO(answers_of.answers_csv(result.answers).decode())))
    assert len(rows) == len(result.answers) == 15 * 4 * 3
    assert {row["face"] for row in rows if row["copy"] == "far"} == {""}
    assert {row["group"] for row in rows if row["path"].startswith(("p004", "p005"))} == {
        "p004+p005"
    }


def test_a_change_of_the_joint_ratio_by_what_is_missing_would_be_seen(ears, tmp_path, monkeypatch):
    def wrong(*args, **options):
        joint = conclude(*args, **options)
        return replace(joint, log10_lr=0.9 * joint.log10_lr)

    monkeypatch.setattr(bench, "join", wrong)
    result = bench.run(tmp_path / "run", SETTINGS, quiet)
    assert {one.unchanged for one in result.counts} == {0}


def test_the_command_shows_and_writes_everything(ears, tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(
        make_app(), ["fusion-walkers", "-o", str(out), "--draws", "20"], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.output
    for words in ("walk alone", "joined, not learnt", "a face large enough", "Not enrolled: p003"):
        assert words in result.output
    written = json.loads((out / "fusion-walkers.json").read_text())
    assert written["face_auc"] == 0.9
    assert len((out / "answers.csv").read_text().splitlines()) == 1 + 15 * 4 * 3


def test_another_experiment_in_the_same_folder_is_refused(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise InputError("far enough")

    monkeypatch.setattr(bench, "make_walking_faces", stop)
    for _ in range(2):
        with pytest.raises(InputError, match="far enough"):
            bench.run(tmp_path, SETTINGS, quiet)
    recipe = bench.RECIPE.model_copy(update={"epochs": 2})
    with pytest.raises(ConfigError, match="other settings"):
        bench.run(tmp_path, SETTINGS, quiet, recipe)
