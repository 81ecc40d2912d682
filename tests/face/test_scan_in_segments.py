import json

import numpy as np
import pytest
from portrait_clips import place, write_clip
from scripted_faces import ScriptedDetector
from tiny_clip_model import clip_model, make_clip_weights

from gaitproof.errors import ConfigError, ModelError
from gaitproof.face.judge import TOO_FEW
from gaitproof.face.scan import ScanSettings, scan_video
from gaitproof.face.verdict import FaceDecision

RATE = 10


def pictures(levels):
    """Return one frame of a moving face for each brightness; 0 for none."""
    # coarse, so that compression does not blur it
    noise = np.random.default_rng(1).normal(0, 15, (10, 10, 1)).repeat(8, 0).repeat(8, 1)
    return [
        place(
            [((level + noise).clip(0, 255).astype(np.uint8).repeat(3, 2), 40 + i, 60, 80)]
            if level
            else [],
            (320, 240),
            (0, 0, 0),
        )
        for i, level in enumerate(levels)
    ]


def scan(folder, levels, model, **settings):
    clip = write_clip(folder / "a.mp4", pictures(levels), rate=RATE)
    settings = ScanSettings.model_validate(settings)
    return scan_video(clip, model, settings, detector=ScriptedDetector(level=30))


def test_a_late_swap_shows_in_the_turns_it_lies_in(tmp_path):
    model = clip_model(tmp_path / "model", rate=5.0)
    result = scan(tmp_path, [220] * 16 + [70] * 16, model)
    (face,) = result.faces
    assert [segment.pictures for segment in face.turns] == [4, 4, 4, 4]
    assert [segment.score > 0.5 for segment in face.turns] == [True, True, False, False]
    assert face.turns[2].first == pytest.approx(1.6)
    assert [frame.turn for frame in face.frames] == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4
    assert face.score == pytest.approx(np.mean([segment.score for segment in face.turns]))
    assert face.decision is FaceDecision.INCONCLUSIVE
    assert face.consistency.agreeing == 0.5
    assert face.consistency.longest_fake == 2
    assert any("2 of 4 look manipulated (seconds 1.6-2.2, 2.4-3.0)" in n for n in result.notes)
    written = json.loads(json.dumps(result.to_dict(), allow_nan=False))["faces"][0]
    assert written["turns"][3]["probability_fake"] > 0.5
    assert written["frames"][12]["turn"] == 4
    assert written["frames"][12]["weight"] == pytest.approx(0.25, abs=0.1)


def test_a_late_swap_lights_up_in_the_second_half_of_a_turn(tmp_path):
    model = clip_model(tmp_path / "model", frames=8, rate=5.0)
    (face,) = scan(tmp_path, [220] * 8 + [90] * 8, model).faces
    weights = [frame.weight for frame in face.frames]
    assert len(weights) == 8
    assert sum(weights) == pytest.approx(1)
    assert sum(weights[4:]) > 0.9
    assert len({frame.score for frame in face.frames}) == 1  # that of the segment


@pytest.mark.slow
def test_pictures_of_a_model_without_a_rate_are_spread_over_the_video(tmp_path):
    model = clip_model(tmp_path / "model", frames=8, pictures=8)
    (face,) = scan(tmp_path, [220] * 40, model).faces
    (segment,) = face.turns
    assert (segment.pictures, segment.first) == (8, 0.0)
    assert segment.last > 3.3
    # and a video shorter than usual is looked at more often
    (face,) = scan(tmp_path, [220] * 12, model).faces
    assert face.turns[0].pictures == 8


def test_a_turn_does_not_bridge_a_time_without_pictures(tmp_path):
    model = clip_model(tmp_path / "model", frames=8, rate=5.0)
    (face,) = scan(tmp_path, [220] * 12 + [0] * 8 + [220] * 6, model).faces
    (segment,) = face.turns
    assert (segment.pictures, segment.last) == (6, 1.0)
    assert face.unusable[TOO_FEW] == 3
    assert len(face.frames) == 6


def test_too_few_pictures_in_a_row_are_no_answer(tmp_path):
    model = clip_model(tmp_path / "model", frames=16, rate=5.0)
    (face,) = scan(tmp_path, [220] * 12, model).faces
    assert face.decision is FaceDecision.INCONCLUSIVE
    assert face.score is None
    assert face.frames == face.turns == ()
    assert "8 in a row are needed" in face.reason


@pytest.mark.slow
def test_of_a_long_video_turns_are_judged_with_pauses_between(tmp_path):
    model = clip_model(tmp_path / "model", frames=4, rate=5.0)
    result = scan(tmp_path, [220] * 96, model, frames=16)
    (face,) = result.faces
    assert [segment.first for segment in face.turns] == pytest.approx([0.0, 2.4, 4.8, 7.2])
    assert any("one segment of 0.8 s in every 2.4 s was judged" in note for note in result.notes)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "same"), [(5.0, True), (None, False)])
def test_little_memory_changes_no_answer_at_a_rate_and_thins_spread_pictures(tmp_path, rate, same):
    model = clip_model(tmp_path / "model", frames=4, rate=rate, pictures=24)
    levels = [220] * 24 + [90] * 24
    (little,) = scan(tmp_path, levels, model, held_mib=0.03).faces
    (much,) = scan(tmp_path, levels, model).faces
    assert (little.frames == much.frames) is same
    assert (little.turns == much.turns) is same
    assert len(little.frames) <= len(much.frames) == 24
    assert len(little.frames) >= 3


def test_the_members_of_an_ensemble_are_reported(tmp_path):
    model = clip_model(
        tmp_path / "model",
        rate=5.0,
        weights=make_clip_weights(members=(0.2, 0.9)),
        members=("one-1", "two-1", "three-1"),
    )
    (face,) = scan(tmp_path, [140] * 16, model).faces
    assert len(face.members) == 3
    assert face.members[2] < face.members[0] < face.members[1]
    for place_, score in enumerate(face.members):
        assert score == pytest.approx(np.mean([segment.members[place_] for segment in face.turns]))
    assert face.to_dict()["members"] == list(face.members)


def test_a_card_with_other_members_than_the_weights_is_refused(tmp_path):
    model = clip_model(tmp_path / "model", members=("one-1",))
    with pytest.raises(ModelError, match="judges frames together"):
        model.score_segment(np.zeros((4, 32, 32, 3), np.uint8))


def test_single_pictures_cannot_be_asked_for(tmp_path):
    model = clip_model(tmp_path / "model")
    with pytest.raises(ConfigError, match="leave out --every"):
        scan(tmp_path, [220] * 12, model, every=0.5)
