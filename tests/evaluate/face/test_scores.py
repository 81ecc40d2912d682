import numpy as np
import pytest

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import draw_rates
from gaitproof.evaluate.face.scores import FaceScores


def made(scores, genuine, keys):
    return FaceScores(np.array(scores), np.array(genuine, bool), tuple(keys))


@pytest.mark.parametrize(
    ("scores", "genuine", "keys"),
    [
        ([0.1], [True, False], [("a",)]),
        ([0.1], [True], []),
        ([1.2], [True], [("a",)]),
        ([np.nan], [True], [("a",)]),
        ([0.1], [True], [()]),
    ],
)
def test_what_does_not_belong_together_is_refused(scores, genuine, keys):
    with pytest.raises(InputError):
        made(scores, genuine, keys)


def test_of_clips():
    clips = [
        FaceClip("a.mp4", Label.REAL, ("ann",)),
        FaceClip("b.mp4", Label.FAKE, ("ann", "bob"), "swap"),
    ]
    scores = FaceScores.of_clips([0.9, 0.2], clips)
    assert scores.genuine.tolist() == [True, False]
    assert scores.keys == (("ann",), ("ann", "bob"))
    assert len(scores.select(scores.genuine)) == 1
    with pytest.raises(ValueError, match="read-only"):
        scores.scores[0] = 0


@pytest.mark.parametrize(
    ("keys", "people"),
    [
        ([("a",)] * 6, 1),
        ([("a", "b")], 1),
        ([("a", "b"), ("b", "c"), ("c", "d")], 2),
        ([("a", "b"), ("a",), ("b",)], 2),
        ([("a", "v1"), ("a", "v2"), ("b", "v3")], 2),
    ],
)
def test_people_are_those_who_share_nobody(keys, people):
    assert made([0.5] * len(keys), [True] * len(keys), keys).people == people


def test_draws_weigh_both_people_of_a_swap():
    """A draw gives the rates of a list in which everybody is written down as often as drawn."""
    rng = np.random.default_rng(0)
    names = "abcd"
    keys = [(names[i % 4],) for i in range(12)] + [
        (names[i % 4], names[(i + 1) % 4]) for i in range(8)
    ]
    swaps = made(rng.random(20), [True] * 12 + [False] * 8, keys)
    times = {"a": 2, "b": 0, "c": 1, "d": 1}
    ends = np.array([0.3, 0.6])
    (fmr, fnmr), *_ = draw_rates(
        swaps.units, swaps.scores, np.array([[times[name] for name in names]], float), ends
    )
    weight = np.array([np.prod([times[key] for key in own]) for own in keys])
    for column, end in enumerate(ends, 1):
        above = swaps.scores >= end
        for rate, kind, hit in ((fmr, ~swaps.genuine, above), (fnmr, swaps.genuine, ~above)):
            expected = (weight * hit)[kind].sum() / weight[kind].sum()
            assert rate[0, column] == pytest.approx(expected)
