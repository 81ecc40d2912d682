import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from forged_stores import brightness_model, darken, forged_store
from tiny_clip_model import clip_model, make_clip_weights

from gaitproof.errors import InputError
from gaitproof.evaluate.face.evaluation import evaluate_faces, score_clip
from gaitproof.evaluate.face.result import CONDITIONS, UNTOUCHED, Condition
from gaitproof.evaluate.face.scores import write_scores
from gaitproof.evaluate.fusion_trials import read_single
from gaitproof.face.align import align
from gaitproof.train.face.robust import Damage


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return brightness_model(tmp_path_factory.mktemp("model") / "m")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return forged_store(tmp_path_factory.mktemp("store") / "drawn")


@pytest.fixture(scope="module")
def result(model, store):
    dark = Condition("dark", 1.0, Damage(light=(0.0, 0.0)))
    return evaluate_faces(model, [store], conditions=(UNTOUCHED, dark), draws=100)


def test_pictures_are_cut_and_scored_as_in_a_scan(model, store):
    faces = store.read(store.clips[0])
    (scores,) = score_clip(model, faces, (UNTOUCHED,))
    crops = [
        align(picture, points, model.card.alignment)
        for picture, points in zip(faces.images, faces.points.astype(float), strict=True)
    ]
    assert np.array_equal(scores, model.score(np.stack(crops)))


def test_what_can_be_seen_is_told_and_what_cannot_is_not(result):
    (figures,) = result.stores
    assert figures.manipulations["dark"].values["auc"].value == 1
    hidden = figures.manipulations["hidden"].values["auc"]
    assert hidden.value == 0.5
    assert figures.video.values["auc"].value == 0.75
    assert figures.video.values["false_real"].value == 0.5
    assert (figures.video.genuine, figures.video.forged) == (5, 10)
    assert (figures.picture.genuine, figures.picture.forged) == (15, 30)
    assert figures.video.genuine_people == 5
    assert figures.video.confusion == ((5, 0), (5, 5))


def test_a_clip_scores_the_mean_of_its_pictures(result):
    for answer in result.stores[0].answers:
        assert answer.score == pytest.approx(answer.images.mean())
        assert len(answer.images) == 3


def test_answers_are_those_of_a_scan(result):
    decisions = result.stores[0].decisions
    assert decisions["real"] == {"REAL": 5, "FAKE": 0, "INCONCLUSIVE": 0}
    assert decisions["fake"] == {"REAL": 5, "FAKE": 5, "INCONCLUSIVE": 0}


def test_too_few_pictures_are_inconclusive_whatever_the_score(model, tmp_path):
    still = forged_store(tmp_path / "s", pictures=1)
    figures = evaluate_faces(model, [still], draws=20).stores[0]
    assert figures.decisions["real"]["INCONCLUSIVE"] == 5
    assert figures.video.values["false_fake"].value == 0


def test_simple_crops_are_not_given_to_a_model_of_aligned_faces(model, store):
    settings = store.settings.model_copy(update={"detector": "drawn simple-crop"})
    with pytest.raises(InputError, match="the model learnt from none"):
        evaluate_faces(model, [replace(store, settings=settings)], draws=20)


def test_sweep(result):
    stored, dark = result.stores[0].sweep
    assert stored.video.values == result.stores[0].video.values
    assert dark.video.values["auc"].value == 0.5
    assert dark.video.values["false_fake"].value == 1


def test_conditions_start_with_none_and_get_worse():
    assert CONDITIONS[0] is UNTOUCHED
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    change = {}
    for condition in CONDITIONS:
        out = condition.damage.apply(image)
        assert out.shape == image.shape
        change.setdefault(condition.kind, []).append(
            float(np.abs(out - image.astype(float)).mean())
        )
    assert change.pop("") == [0.0]
    for steps in change.values():
        assert all(a < b for a, b in pairwise(steps))


def test_data_of_one_kind(model, tmp_path):
    """Genuine clips alone have false alarms, and nothing else."""
    genuine = forged_store(tmp_path / "g", forgeries=())
    figures = evaluate_faces(model, [genuine], draws=20).stores[0]
    assert set(figures.video.values) == {"false_fake", "specificity"}
    assert not figures.manipulations
    assert math.isnan(figures.cllr)


def test_several_stores(model, store, tmp_path):
    other = forged_store(tmp_path / "other", forgeries=(("dark", darken),))
    shares = []
    evaluation = evaluate_faces(model, [store, other], draws=20, progress=shares.append)
    assert [one.name for one in evaluation.stores] == ["drawn", "other"]
    assert [one.video.values["auc"].value for one in evaluation.stores] == [0.75, 1.0]
    assert shares[-1] == 1
    assert shares == sorted(shares)


def test_stores_of_one_name_are_told_apart(model, store, tmp_path):
    same = forged_store(tmp_path / "drawn", people=3)
    evaluation = evaluate_faces(model, [store, same], draws=20)
    assert [one.name for one in evaluation.stores] == [str(store.folder), str(same.folder)]
    with pytest.raises(InputError, match="given twice"):
        evaluate_faces(model, [store, store])


def test_a_split_without_clips(model, store):
    with pytest.raises(InputError, match="no clip of the split 'train'") as error:
        evaluate_faces(model, [store], split="train")
    assert error.value.actual == "test"


def test_what_lowers_confidence_is_said(tmp_path, store):
    far = brightness_model(
        tmp_path / "m", alignment={"size": 32, "margin": 0.8}, detector="other 2"
    )
    notes = evaluate_faces(far, [store], draws=20).stores[0].notes
    assert len(notes) == 2
    assert "other 2" in notes[0]
    assert "black edges" in notes[1]


def test_cllr_is_that_of_the_calibrated_clips(result):
    figures = result.stores[0]
    costs = {True: [], False: []}
    for answer in figures.answers:
        real = answer.stored.clip.label.value == "real"
        sign = 1 if real else -1
        costs[real].append(math.log2(1 + 10 ** (-sign * answer.log10_lr)))
    assert figures.cllr == pytest.approx((np.mean(costs[True]) + np.mean(costs[False])) / 2)


def test_json_and_files(result, tmp_path):
    json.dumps(result.to_dict(), allow_nan=False)
    paths = write_scores(result, tmp_path)
    assert [path.name for path in paths] == ["scores.csv", "trials.csv"]
    lines = paths[0].read_text().splitlines()
    assert len(lines) == 16
    assert lines[0].startswith("store,path,label,")
    trials = read_single(paths[1])
    assert trials.genuine.sum() == 5
    # everybody was swapped with the next, so that all hang together
    assert len(set(trials.group.tolist())) == 1


def test_without_calibration_there_are_no_ratios(tmp_path, store):
    plain = brightness_model(tmp_path / "m", calibration=None)
    evaluation = evaluate_faces(plain, [store], draws=20)
    assert math.isnan(evaluation.stores[0].cllr)
    assert [path.name for path in write_scores(evaluation, tmp_path)] == ["scores.csv"]


def test_a_model_over_time_is_evaluated_in_turns(tmp_path):
    store = forged_store(tmp_path / "store", 3, pictures=6)
    weights = make_clip_weights(gain=30.0, centre=0.2)
    model = clip_model(tmp_path / "model", weights=weights, rate=5.0, detector="drawn 1")
    evaluation = evaluate_faces(model, [store], draws=20)
    (result,) = evaluation.stores
    assert result.unit == "turns"
    # six images make one turn of four, and a rest that is too short
    assert {len(answer.images) for answer in result.answers} == {1}
    assert result.manipulations["dark"].values["auc"].value == 1
    assert "the store's images are spread over the clip, the model was" in result.notes[-1]
    written = write_scores(evaluation, tmp_path)[0].read_text().splitlines()
    assert written[1].split(",")[5] == "6"
