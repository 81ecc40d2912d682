from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from colours import ColourEstimator, film, make_videos

from gaitproof import nets
from gaitproof.config import QualityGate, VerifySettings
from gaitproof.errors import ConfigError
from gaitproof.nets.onnx import DEFAULT_MODEL, OnnxEncoder
from gaitproof.pipeline import run as pipeline
from gaitproof.pipeline.page import pipeline_page
from gaitproof.pipeline.run import run_pipeline
from gaitproof.pipeline.summary import STEPS, PipelineOptions
from gaitproof.train.config import TrainSettings
from gaitproof.verify.verifier import Verifier

pytestmark = pytest.mark.slow

SMALL = VerifySettings(quality=QualityGate(min_person_height=20))
FEW = PipelineOptions(skip=frozenset({"augment"}), settings=SMALL, workers=1)
SHIPPED = Path(nets.__file__).parent / "weights" / DEFAULT_MODEL


def run(videos, out, options=FEW, **more):
    return run_pipeline(videos, out, options, estimator_factory=ColourEstimator, **more)


def conditions(summary):
    return {step.name: step.condition for step in summary.steps}


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Four people, three walks each."""
    return make_videos(tmp_path_factory.mktemp("few") / "videos", 4)


@pytest.fixture(scope="module")
def finished(few, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "a b"
    said = []
    return run(few, out, say=said.append), out, said


def test_few_people_use_the_shipped_model_and_are_told_at_once(finished):
    summary, out, said = finished
    assert summary.failed is None, summary.failed
    assert conditions(summary) == {
        "manifest": "done",
        "augment": "skipped",
        "extract": "done",
        "train": "left out",
        "calibrate": "left out",
        "evaluate": "done",
        "enrol": "done",
    }
    assert "10 people or more" in said[-1]
    assert "4 people support no error rate below" in said[0]
    assert not summary.trained
    assert summary.evaluation["system"]["clip"]["people"] == 4
    assert json.loads((out / "summary.json").read_text())["evaluation"] == summary.evaluation
    verifier = Verifier.open(out / "gallery.db")
    assert sorted(entry.name for entry in verifier.gallery.list()) == ["p00", "p01", "p02", "p03"]


def test_the_page_tells_the_whole_story(finished):
    summary, _, _ = finished
    page = pipeline_page(summary, datetime(2026, 1, 2, 3, 4))
    assert "All steps are done" in page
    assert "Every video could be used" in page
    assert page.count('<tr class="step">') == len(STEPS)
    assert page.count("data:image/png;base64,") == 4
    assert "gaitproof verify VIDEO --claim p00 --gallery" in page
    assert "evaluation/det-clip.svg" in page
    assert summary.model["model_id"] in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_is_done_is_not_done_again(finished, few, monkeypatch):
    summary, out, _ = finished
    monkeypatch.setattr(pipeline, "Verifier", None)
    monkeypatch.setattr("gaitproof.evaluate.frozen.evaluate_model", None)
    again = run(few, out)
    assert again.failed is None
    assert conditions(again)["evaluate"] == conditions(again)["enrol"] == "up to date"
    assert "12 of them from an earlier run" in again.step("extract").text
    assert again.evaluation == summary.evaluation
    assert again.step("enrol").facts == summary.step("enrol").facts


@pytest.fixture(autouse=True)
def _no_further_plots(monkeypatch):
    """Drawing takes most of a run's time; the plots of `finished` are enough."""
    monkeypatch.setattr("gaitproof.report.evaluation.save_plots", lambda result, folder: [])


@pytest.fixture
def copy(finished, few, tmp_path):
    """A finished pipeline, with its videos, that may be changed."""
    videos, out = tmp_path / "videos", tmp_path / "out"
    shutil.copytree(few, videos)
    shutil.copytree(finished[1], out)
    return videos, out


def test_new_videos_are_taken_in_and_bad_ones_are_told(copy):
    videos, out = copy
    film(videos / "p00" / "w3.mp4", 0, 3)
    film(videos / "p01" / "w3.mp4", 1, 3, empty=True)
    (videos / "p02" / "w3.mp4").write_text("no video")
    summary = run(videos, out)
    assert summary.failed is None
    assert summary.step("extract").facts == {"videos": 15, "failed": 2, "known": 12}
    assert [what for what, _ in summary.step("extract").failures] == ["p01/w3.mp4", "p02/w3.mp4"]
    assert conditions(summary)["enrol"] == "done"
    assert summary.step("enrol").facts["people"] == {"p00": 4, "p01": 3, "p02": 3, "p03": 3}
    assert {what for what, _ in summary.step("enrol").failures} == {"p01/w3.mp4", "p02/w3.mp4"}
    # failures to acquire are counted, not dropped
    assert summary.evaluation["system"]["clip"]["failures"] > 0
    page = pipeline_page(summary, datetime(2026, 1, 2))
    assert "nobody was found in it" in page


def test_a_killed_enrolment_starts_anew_and_a_strange_gallery_is_left_alone(copy, monkeypatch):
    videos, out = copy
    film(videos / "p00" / "w3.mp4", 0, 3)
    original, calls = Verifier.enroll, []

    def kill(self, name, given, **options):
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, name, given, **options)

    monkeypatch.setattr(Verifier, "enroll", kill)
    with pytest.raises(KeyboardInterrupt):
        run(videos, out)
    summary = run(videos, out)
    assert summary.step("enrol").facts["people"]["p00"] == 4
    (out / "pipeline.json").unlink()
    stranger = run(videos, out)
    assert stranger.failed.name == "enrol"
    assert "no pipeline made it" in stranger.failed.text
    assert (out / "gallery.db").exists()
    assert "Stopped at" in pipeline_page(stranger, datetime(2026, 1, 2))


def test_a_leak_ends_the_run_with_a_page(copy):
    videos, out = copy
    shutil.copy(videos / "p00" / "w0.mp4", videos / "p01" / "w9.mp4")
    summary = run(videos, out)
    assert summary.failed.name == "manifest"
    assert "stands for" in summary.failed.text
    assert summary.evaluation is None
    pipeline_page(summary, datetime(2026, 1, 2))


def test_nothing_to_do(tmp_path):
    (tmp_path / "videos").mkdir()
    summary = run(tmp_path / "videos", tmp_path / "out")
    assert summary.failed.name == "manifest"
    assert "holds no video" in summary.failed.text


@pytest.mark.parametrize(
    ("skip", "message"), [({"eat"}, "'eat'"), ({"calibrate"}, "without its calibration")]
)
def test_bad_skips_are_refused(skip, message):
    with pytest.raises(ConfigError, match=message):
        PipelineOptions(skip=frozenset(skip))


def test_a_training_has_copies_checkpoints_and_a_model_of_its_own(few, tmp_path, monkeypatch):
    """Training itself is tested elsewhere; here it only takes the shipped weights."""
    given = {}

    def make_model(settings, walks, folder, *, workers, progress, runs):
        from gaitproof.evaluate.frozen import evaluate_model

        given.update(settings=settings, walks=walks, runs=runs)
        shutil.copytree(SHIPPED, folder)
        encoder = OnnxEncoder.load(folder)
        return encoder.card, evaluate_model(encoder, walks, enrolled=2, draws=50)

    monkeypatch.setattr("gaitproof.modelling.recipe.make_model", make_model)
    monkeypatch.setattr("gaitproof.pipeline.scope.MIN_TRAINED", 4)
    recipe = TrainSettings(folds=2)
    options = PipelineOptions(recipe=recipe, kinds=("flip",), settings=SMALL, workers=1)
    summary = run(few, tmp_path / "out", options)
    assert summary.failed is None, summary.failed
    assert set(conditions(summary).values()) == {"done"}
    assert summary.trained
    assert summary.step("augment").facts == {"copies": 12, "known": 0}
    subjects = {walk.subject for walk in given["walks"]}
    assert {"p00", "p00~mirrored"} <= subjects
    assert sum(bool(walk.parent) for walk in given["walks"]) == 12
    assert given["settings"].enrolled == 2
    assert given["runs"].folder.is_relative_to(tmp_path / "out" / "runs")
    # nothing is written beside the user's videos
    assert {path.name for path in few.iterdir()} == {"p00", "p01", "p02", "p03"}
    assert "--model" in pipeline_page(summary, datetime(2026, 1, 2))
    given.clear()
    again = run(few, tmp_path / "out", options)
    assert not given
    assert conditions(again)["train"] == conditions(again)["calibrate"] == "up to date"
