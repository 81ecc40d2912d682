import json
from datetime import UTC, datetime

import pytest

from gaitproof.demo.plan import NOBODY, Clip, make_plan
from gaitproof.demo.run import film_all, run_demo
from gaitproof.demo.story import demo_page
from gaitproof.errors import DependencyError

PLAN = make_plan(0)
RIGHT = {trial.clip.name: trial.expected.value for trial in PLAN.trials}


@pytest.fixture
def folders(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    return work, tmp_path / "final"


def test_right_answers_are_as_expected(folders, scripted):
    progress = []
    result = run_demo(
        PLAN, *folders, progress=lambda *stage: progress.append(stage), **scripted(RIGHT)
    )
    assert result.as_expected
    assert result.refusal == f"{NOBODY!r} is not enrolled."
    assert progress[-1] == ("verify", 7, 7)
    assert ("film", 16, 16) in progress
    assert ("enrol", 3, 3) in progress
    # verdicts name the files where they will lie
    assert all(
        trial.verdict.source == str(folders[1] / "clips" / f"{trial.trial.clip.name}.mp4")
        for trial in result.trials
    )


@pytest.mark.parametrize("clip", RIGHT)
def test_one_wrong_answer_is_noticed(folders, scripted, clip):
    wrong = "AUTHENTIC" if RIGHT[clip] != "AUTHENTIC" else "DEEPFAKE"
    result = run_demo(PLAN, *folders, **scripted(RIGHT | {clip: wrong}))
    assert not result.as_expected
    assert [t.trial.clip.name for t in result.trials if not t.as_expected] == [clip]


def test_an_accepted_unknown_claim_is_noticed(folders, scripted):
    result = run_demo(PLAN, *folders, **scripted(RIGHT | {NOBODY: NOBODY}))
    assert result.refusal is None
    assert not result.as_expected


def test_json_has_the_promised_fields_and_no_others(folders, scripted):
    result = run_demo(PLAN, *folders, **scripted(RIGHT))
    answer = json.loads(result.to_json())
    assert set(answer) == {"trials"}
    assert [set(entry) for entry in answer["trials"]] == [
        {"clip", "claim", "expected", "verdict", "similarity", "log10_lr", "seconds"}
    ] * 7
    assert answer["trials"][3] == {
        "clip": "clips/ben-with-face-of-ann.mp4",
        "claim": "Ann",
        "expected": "DEEPFAKE",
        "verdict": "DEEPFAKE",
        "similarity": 0.731,
        "log10_lr": -1.43,
        "seconds": 1.235,
    }
    assert answer["trials"][-1]["similarity"] is None


@pytest.mark.slow
def test_page_shows_probe_and_enrolled_person(folders, scripted):
    result = run_demo(PLAN, *folders, **scripted(RIGHT))
    page = demo_page(result, folders[0], datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert "7 of 7 verdicts as expected" in page
    assert "2026-01-02 03:04" in page
    # seven trials with two frames and a portrait each, three people with three
    assert page.count("data:image/jpeg;base64,") == 7 * 3 + 3 * 3
    assert page.count("For comparison: Ann as enrolled") == 3


@pytest.mark.slow
def test_a_clip_without_people_has_no_pictures(folders, scripted):
    from gaitproof.media.info import inspect_video
    from gaitproof.pose.extract import Extraction

    empty = scripted(RIGHT) | {
        "extractor": lambda path, *_, **__: Extraction(inspect_video(path), ())
    }
    page = demo_page(run_demo(PLAN, *folders, **empty), folders[0], datetime.now(UTC))
    assert "data:image/jpeg" not in page


@pytest.mark.slow
def test_a_crashing_renderer_is_one_message(tmp_path, monkeypatch):
    from gaitproof.demo import run

    monkeypatch.setattr(run, "film", _die)
    with pytest.raises(DependencyError, match="gaitproof doctor"):
        film_all((Clip("a", 0, 0, 40),), tmp_path, lambda *_: None)


def _die(clip, folder):
    import os

    os._exit(139)
