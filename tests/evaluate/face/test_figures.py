import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import InputError
from gaitproof.evaluate.face.figures import compute_figures
from gaitproof.evaluate.face.scores import FaceScores


def made(count=400, people=40, gap=0.2, seed=0):
    rng = np.random.default_rng(seed)
    genuine = rng.random(count) < 0.3
    person = rng.integers(people, size=count)
    level = rng.normal(0, 0.1, people)
    raw = 0.4 + gap * genuine + level[person] + rng.normal(0, 0.1, count)
    scores = raw.round(2).clip(0, 1)  # with ties
    return FaceScores(scores, genuine, tuple((f"p{i}",) for i in person))


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_scikit_learn(seed):
    reference = pytest.importorskip("sklearn.metrics")
    scores = made(seed=seed)
    figures = compute_figures(scores, 0.5, draws=20)
    forged, called = ~scores.genuine, scores.scores < 0.5
    expected = {
        "auc": reference.roc_auc_score(forged, -scores.scores),
        "accuracy": reference.accuracy_score(forged, called),
        "balanced_accuracy": reference.balanced_accuracy_score(forged, called),
        "precision": reference.precision_score(forged, called),
        "recall": reference.recall_score(forged, called),
        "specificity": reference.recall_score(~forged, ~called),
        "f1": reference.f1_score(forged, called),
    }
    for name, value in expected.items():
        assert figures.values[name].value == pytest.approx(value), name
    assert np.array_equal(figures.confusion, reference.confusion_matrix(forged, called))
    fpr, tpr, _ = reference.roc_curve(forged, -scores.scores, drop_intermediate=False)
    grid = np.linspace(0, 1, 100_001)
    gap = np.interp(grid, fpr, 1 - tpr) - grid
    assert figures.values["eer"].value == pytest.approx(grid[np.argmin(np.abs(gap))], abs=1e-4)


def test_rates_of_each_class():
    scores = FaceScores(
        np.array([0.9, 0.2, 0.8, 0.1, 0.7]),
        np.array([True, True, False, False, False]),
        (("a",), ("b",), ("a",), ("b",), ("c",)),
    )
    figures = compute_figures(scores, 0.5, draws=50)
    assert figures.values["false_fake"].value == 0.5
    assert figures.values["false_real"].value == pytest.approx(2 / 3)
    assert figures.confusion == ((1, 1), (2, 1))
    assert (figures.genuine, figures.forged) == (2, 3)
    assert (figures.genuine_people, figures.forged_people) == (2, 3)
    assert (
        figures.support("false_fake") == figures.support("eer") > figures.support("false_real") > 0
    )
    assert figures.support("auc") == 0


def test_nothing_called_forged():
    scores = FaceScores(np.array([0.9, 0.9]), np.array([True, False]), (("a",), ("b",)))
    values = compute_figures(scores, 0.5).values
    assert (values["precision"].value, values["recall"].value, values["f1"].value) == (0, 0, 0)


def test_two_people_have_no_interval():
    scores = FaceScores(np.array([0.9, 0.1]), np.array([True, False]), (("a",), ("b",)))
    auc = compute_figures(scores, 0.5).values["auc"]
    assert auc.value == 1
    assert np.isnan([auc.low, auc.high]).all()


def test_intervals_are_over_people_not_over_clips():
    """A hundred clips of one person say little more than one."""
    rng = np.random.default_rng(0)
    person = rng.integers(12, size=1200)
    raw = 0.4 + 0.1 * (person % 2) + rng.normal(0, 0.1, 12)[person] + rng.normal(0, 0.02, 1200)
    few = FaceScores(raw.clip(0, 1), person % 2 == 1, tuple((f"p{i}",) for i in person))
    spread = compute_figures(few, 0.5, draws=300).values["auc"]
    alone = FaceScores(few.scores, few.genuine, tuple((f"c{i}",) for i in range(len(few))))
    narrow = compute_figures(alone, 0.5, draws=300).values["auc"]
    assert spread.high - spread.low > 2 * (narrow.high - narrow.low)
    assert spread.low < spread.value < spread.high


@pytest.mark.slow
def test_intervals_hold_the_truth():
    """Of independent people, 95 % intervals cover the true AUC about so often."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        genuine = np.arange(120) % 2 == 0
        scores = (0.4 + 0.1 * genuine + rng.normal(0, 0.1, 120)).clip(0, 1)
        auc = compute_figures(
            FaceScores(scores, genuine, tuple((f"p{i // 2}",) for i in range(120))), 0.5, draws=300
        ).values["auc"]
        hits += auc.low <= 0.76025 <= auc.high
    assert hits >= 52


def test_shuffled_labels_give_chance():
    """No information in the labels: the AUC is a half within its own interval, nearly always."""
    hits = 0
    for seed in range(20):
        scores = made(seed=seed, gap=0.4)
        people = np.random.default_rng(seed).permutation(40)
        genuine = np.array([people[int(key[0][1:])] % 2 == 0 for key in scores.keys])
        figures = compute_figures(FaceScores(scores.scores, genuine, scores.keys), 0.5, draws=200)
        hits += figures.values["auc"].low <= 0.5 <= figures.values["auc"].high
    assert hits >= 17


def test_curves_do_not_change_under_an_increasing_map():
    scores = made()
    mapped = FaceScores(scores.scores**3, scores.genuine, scores.keys)
    before, after = (
        compute_figures(one, t, draws=50) for one, t in ((scores, 0.5), (mapped, 0.125))
    )
    for name, value in before.values.items():
        assert after.values[name].value == pytest.approx(value.value), name
        assert after.values[name].low == pytest.approx(value.low), name


def test_one_kind_alone_has_its_errors_only():
    keys = tuple((f"p{i}",) for i in range(4))
    scores = np.array([0.9, 0.2, 0.8, 0.7])
    genuine = compute_figures(FaceScores(scores, np.ones(4, bool), keys), 0.5, draws=50)
    assert genuine.values["false_fake"].value == 0.25
    assert set(genuine.values) == {"false_fake", "specificity"}
    assert genuine.confusion == ((3, 1), (0, 0))
    forged = compute_figures(FaceScores(scores, np.zeros(4, bool), keys), 0.5, draws=50)
    assert forged.values["false_real"].value == 0.75
    assert set(forged.values) == {"false_real", "recall"}
    assert 0 <= forged.values["recall"].low <= 0.25 <= forged.values["recall"].high
    with pytest.raises(InputError):
        compute_figures(FaceScores(np.zeros(0), np.zeros(0, bool), ()), 0.5)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=2, max_size=30))
def test_all_figures_are_shares(rows):
    scores = FaceScores(
        np.array([row[0] for row in rows]),
        np.arange(len(rows)) % 2 == 0,
        tuple((f"p{row[1]}",) for row in rows),
    )
    for figure in compute_figures(scores, 0.5, draws=20).values.values():
        assert 0 <= figure.value <= 1
        assert not figure.low < 0
        assert not figure.high > 1
