"""A model as it is, on people it was not made with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coco17_tables import keypoints, table
from synthetic_walks import make_walks
from typer.testing import CliRunner

from gaitproof import metrics
from gaitproof.cli.app import app
from gaitproof.errors import GaitproofError, InputError
from gaitproof.evaluate.frozen import evaluate_model, load_data
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.trials import Kind
from gaitproof.nets.card import CohortCard
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.types import ErrorRate, GaitWindows, InconclusiveBand
from gaitproof.verify.normalisation import Normalisation
from gaitproof.verify.scoring import make_template, mean_direction

REAL = Path(__file__).parents[3] / "shared" / "data"


class MeanEncoder:
    """The mean of a window, with the card of shipped weights."""

    card = OnnxEncoder.load("hybrid-small").card

    def embed(self, windows):
        rows = windows.features.mean(axis=1)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _evaluate(walks, **options):
    return evaluate_model(MeanEncoder(), walks, **({"draws": 50} | options))


def test_decisions_and_ratios_are_those_of_the_card():
    result = _evaluate(make_walks(8, 5, identity=0.5))
    clip = result.system["clip"]
    trials, point = clip.trials, MeanEncoder.card.operating_point
    assert (clip.mated, clip.nonmated) == (8 * 2, 8 * 2 * 7)
    expected = metrics.figures_at_threshold(trials.scores, trials.mated, point.threshold)
    assert clip.decisions == pytest.approx(expected) or clip.decisions is not None
    assert clip.decisions.threshold == pytest.approx(point.threshold)
    assert clip.decisions.accuracy == pytest.approx(expected.accuracy)
    assert clip.spread["fmr"].low <= clip.decisions.fmr <= clip.spread["fmr"].high
    assert np.nanmax(np.abs(clip.log10_lr)) <= MeanEncoder.card.calibration.log10_lr_bound + 1e-9
    assert clip.cllr == pytest.approx(metrics.cllr(clip.log10_lr, trials.mated))
    assert MeanEncoder.card.model_id in result.protocol
    assert (result.design, result.enrolled, result.warnings) == ("frozen", 3, ())


def test_templates_come_from_one_condition_and_probes_from_another():
    walks = [
        replace(w, condition="bag" if i % 5 > 2 else "normal")
        for i, w in enumerate(make_walks(6, 5))
    ]
    there = _evaluate(walks, scope=Scope.parse("normal", "bag"))
    assert set(there.system["clip"].trials.recording) == {"w3", "w4"}
    assert set(there.system["clip"].per_part) == {"normal → bag"}
    back = _evaluate(walks, scope=Scope.parse("bag", "normal"))
    assert back.enrolled == 2
    assert "made of 2 recordings instead of 3" in back.warnings[0]
    assert set(back.system["clip"].trials.recording) == {"w0", "w1", "w2"}
    # one side alone: probes are all other recordings
    open_end = _evaluate(walks, scope=Scope.parse(enroll_condition="bag"), enrolled=1)
    assert set(open_end.system["clip"].trials.recording) == {"w0", "w1", "w2", "w4"}


def test_an_unknown_label_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="normal"):
        _evaluate(make_walks(5, 5), scope=Scope.parse(probe_condition="coat"))
    with pytest.raises(InputError, match="side"):
        _evaluate(make_walks(5, 5), scope=Scope.parse(enroll_view="front"))


def test_few_recordings_make_smaller_templates_and_strangers():
    walks = [w for i, w in enumerate(make_walks(6, 3)) if not (w.subject == "p05" and i % 3)]
    result = _evaluate(walks)
    assert result.enrolled == 2
    assert "1 of 6 people have too few recordings" in result.warnings[1]
    assert (result.system["clip"].trials.kind == Kind.STRANGER).sum() == 5
    assert Kind.STRANGER in result.system["clip"].per_kind


def test_a_number_asked_for_is_kept_while_anybody_has_it():
    walks = [w for i, w in enumerate(make_walks(6, 5)) if w.subject == "p00" or i % 5 < 2]
    assert _evaluate(walks, enrolled=3).enrolled == 3
    assert _evaluate(walks).enrolled == 1


def test_failures_are_counted_and_said():
    walks = make_walks(6, 5)
    walks[4] = replace(walks[4], windows=GaitWindows.empty())
    for i in range(5, 8):
        walks[i] = replace(walks[i], windows=GaitWindows.empty())
    result = _evaluate(walks)
    clip = result.system["clip"]
    # a probe of nothing against 6 templates; a template of nothing against the 11 other probes
    assert clip.failures == 6 + 11
    assert "1 of 12 probes" in result.warnings[0]
    assert "1 templates hold no window" in result.warnings[1]
    assert clip.mated + clip.nonmated == 12 * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda walks: walks[:10], "Too few people"),
        (lambda walks: walks[::5], "Nobody has a recording"),
        (lambda walks: [replace(w, windows=GaitWindows.empty()) for w in walks], "two-second"),
        (
            lambda walks: [*walks, replace(walks[0], subject="p01", recording="again")],
            "leaks",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        _evaluate(change(make_walks(6, 5)))


def test_the_cards_normalisation_and_band_are_applied():
    walks = make_walks(8, 5, identity=0.5)
    cohort = make_walks(12, 1, identity=0.5, seed=9)
    plain = _evaluate(walks).system["clip"].trials
    encoder = MeanEncoder()
    encoder.cohort = np.stack([mean_direction(encoder.embed(w.windows)) for w in cohort])
    rate = ErrorRate(0.5, 0.0, 1.0)
    band = InconclusiveBand(
        low=0.2,
        high=0.95,
        min_log10_lr=0.0,
        target=0.05,
        wrong_nonmated=rate,
        wrong_mated=rate,
        fmr=rate,
        fnmr=rate,
        undecided_nonmated=0.1,
        undecided_mated=0.1,
    )
    card = MeanEncoder.card
    encoder.card = card.model_copy(
        update={
            "normalisation": "s",
            "cohort": CohortCard(sha256="0" * 64, people=12),
            "operating_point": card.operating_point.model_copy(update={"inconclusive": band}),
        }
    )
    result = evaluate_model(encoder, walks, draws=20)
    trials = result.system["clip"].trials
    row = int(np.flatnonzero(trials.mated)[0])
    template = make_template([encoder.embed(w.windows) for w in walks[:3]])
    expected = Normalisation.of(encoder).similarity(encoder.embed(walks[3].windows), template)
    assert trials.scores[row] == pytest.approx(expected, abs=1e-6)
    assert np.abs(trials.scores - plain.scores).max() > 0.01
    assert "inconclusive band" in result.warnings[0]
    assert "undecided" in result.warnings[0]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_flat_walks_and_deep_ones_need_models_of_their_own(dimensions):
    encoder = MeanEncoder()
    encoder.card = encoder.card.model_copy(update={"dimensions": dimensions})
    walks = make_walks(6, 5)
    kinds = {3: walks, 2: [replace(w, flat=True) for w in walks]}
    assert evaluate_model(encoder, kinds[dimensions], draws=20).system["clip"].mated == 12
    with pytest.raises(InputError, match="cannot score") as error:
        evaluate_model(encoder, kinds[5 - dimensions], draws=20)
    assert error.value.actual == f"made: recordings in {5 - dimensions} dimensions"


@pytest.mark.slow
def test_the_frame_rate_of_pose_tables_is_an_option(tmp_path):
    names = [f"{subject:03d}-nm-{number:02d}-090" for subject in (1, 2, 3) for number in (1, 2)]
    path = table(tmp_path / "poses.csv", {name: keypoints(90, i) for i, name in enumerate(names)})
    assert [w.times[-1] for w in load_data(path, 50.0)] == pytest.approx([89 / 50] * 6)

    def evaluate(*options):
        with pytest.raises(GaitproofError) as caught:
            CliRunner().invoke(
                app, ["evaluate", "--model", "blend", *options], catch_exceptions=False
            )
        return caught.value

    # read at the rate, and refused for what it is: flat
    flat = evaluate("--data", str(path), "--frame-rate", "30")
    assert "cannot score" in str(flat)
    assert flat.actual == "poses: recordings in 2 dimensions"
    assert "out of range" in str(evaluate("--data", str(path), "--frame-rate", "0"))
    np.savez(tmp_path / "a.npz", nothing=0)
    assert "its own frame rate" in str(
        evaluate("--data", str(tmp_path / "a.npz"), "--frame-rate", "30")
    )
    assert "needs the data" in str(evaluate("--frame-rate", "30"))


def test_training_people_are_warned_of():
    walks = make_walks(6, 5, source="kinect_gait")
    assert any("KinectGait" in text for text in _evaluate(walks).warnings)


def test_copies_are_left_out():
    walks = make_walks(6, 5)
    copies = [replace(w, recording=f"{w.recording}-flip", parent=w.recording) for w in walks]
    trials = _evaluate([*walks, *copies]).system["clip"].trials
    assert (trials.scores == _evaluate(walks).system["clip"].trials.scores).all()


@pytest.mark.slow
def test_torch_is_not_needed():
    code = (
        "import sys, gaitproof.evaluate.frozen, gaitproof.data.gait, "
        "gaitproof.report.evaluation, gaitproof.cli.evaluate; "
        "sys.exit(bool({'torch', 'lightning', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _subset(source: Path, target: Path, people: int, each: int, frames: int = 240) -> Path:
    """Write the first walks of the first people of an archive as an archive of the same layout."""
    with np.load(source, allow_pickle=False) as archive:
        data = {name: archive[name] for name in archive.files}
    kept, seen = [], {}
    for i, subject in enumerate(data["subject"].tolist()):
        if (subject in seen or len(seen) < people) and seen.get(subject, 0) < each:
            seen[subject] = seen.get(subject, 0) + 1
            kept.append(i)
    bounds = data["offsets"]
    parts = [data["xyz"][bounds[i] : min(bounds[i + 1], bounds[i] + frames)] for i in kept]
    labels = ("subject", "sequence", "condition", "view", "fps")
    np.savez(
        target,
        **{name: data[name] for name in ("joints", "landmark12", "scale") if name in data},
        **{name: data[name][kept] for name in labels},
        xyz=np.concatenate(parts),
        offsets=np.cumsum([0, *map(len, parts)]),
    )
    return target


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not (REAL / "kinectgait.npz").exists(), reason="real data is absent")
def test_real_people_on_the_command_line(tmp_path):
    archive = _subset(REAL / "kinectgait.npz", tmp_path / "few.npz", people=4, each=3)
    out = tmp_path / "out.json"
    options = ["--model", "blend", "--data", str(archive), "--json", "-o", str(out)]
    done = CliRunner().invoke(app, ["evaluate", *options])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed == json.loads(out.read_text())
    assert printed["design"] == "frozen"
    assert printed["enrolled"] == 2
    clip = printed["system"]["clip"]
    assert (clip["people"], clip["mated"], clip["nonmated"]) == (4, 4, 12)
    assert clip["figures"]["auc"]["value"] > 0.8


@pytest.mark.realdata
@pytest.mark.skipif(not (REAL / "utkinect_walk.npz").exists(), reason="real data is absent")
def test_walks_without_a_frame_rate_have_the_times_of_their_frame_numbers(tmp_path):
    walks = load_data(REAL / "utkinect_walk.npz")
    assert len(walks) == 39
    assert max(walk.times[-1] for walk in walks) < 20
    with np.load(REAL / "utkinect_walk.npz") as data:
        np.savez(tmp_path / "untimed.npz", **{k: data[k] for k in data if k != "frame_no"})
    with pytest.raises(InputError, match="frame rate"):
        load_data(tmp_path / "untimed.npz")
