import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from experiments.face_networks.comparison import ALL, auc_gain, compare_networks, to_dict
from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.errors import InputError
from gaitproof.evaluate.face.scores import FaceScores

KINDS = ("swap", "warp")


def clips(people=30):
    made = []
    for person in range(people):
        key = (f"p{person}",)
        made.append(FaceClip(f"{person}.mp4", Label.REAL, key))
        made += [FaceClip(f"{person}_{kind}.mp4", Label.FAKE, key, kind) for kind in KINDS]
    return made


def scores(made, apart, seed):
    """Return scores whose genuine clips lie higher by `apart` of each kind."""
    rng = np.random.default_rng(seed)
    gap = np.array([0.0 if c.label is Label.REAL else -apart[c.manipulation] for c in made])
    return 1 / (1 + np.exp(-(rng.normal(0, 1, len(made)) + gap)))


def test_figures_by_kind_are_those_of_scikit_learn():
    made = clips()
    values = scores(made, {"swap": 2.0, "warp": 0.0}, 0)
    (compared,) = compare_networks({"one": values}, made, "one", draws=50)
    for kind in KINDS:
        mask = np.array([clip.manipulation in ("original", kind) for clip in made])
        genuine = np.array([clip.label is Label.REAL for clip in made])
        assert compared.auc[kind].value == pytest.approx(roc_auc_score(genuine[mask], values[mask]))
    assert set(compared.auc) == {*KINDS, ALL}
    assert compared.gain == {}


def test_what_one_network_sees_better_is_found_where_it_is_and_only_there():
    made = clips(60)
    single = scores(made, {"swap": 2.0, "warp": 0.0}, 1)
    temporal = scores(made, {"swap": 2.0, "warp": 2.5}, 2)
    first, second = compare_networks(
        {"single": single, "clip": temporal}, made, "single", draws=300
    )
    assert first.gain == {}
    assert second.gain["warp"].low > 0.2
    assert second.gain["swap"].low < 0 < second.gain["swap"].high
    assert second.gain["warp"].value == pytest.approx(
        second.auc["warp"].value - first.auc["warp"].value
    )


def test_the_same_scores_gain_nothing_in_any_draw():
    made = clips()
    own = FaceScores.of_clips(scores(made, {"swap": 1.0, "warp": 1.0}, 3), made)
    gain = auc_gain(own, own, draws=40)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_impossible_comparisons():
    made = clips(4)
    values = np.full(len(made), 0.5)
    with pytest.raises(InputError, match="no scores of 'other'"):
        compare_networks({"one": values}, made, "other")
    genuine = [clip for clip in made if clip.label is Label.REAL]
    with pytest.raises(InputError, match="genuine and forged"):
        compare_networks({"one": values[: len(genuine)]}, genuine, "one")


def test_it_can_be_written_as_json():
    import json

    made = clips(6)
    values = scores(made, {"swap": 1.0, "warp": 1.0}, 4)
    as_json = to_dict(compare_networks({"a": values, "b": values}, made, "a", draws=20))
    assert json.loads(json.dumps(as_json))[1]["gain"]["swap"]["value"] == 0
