from __future__ import annotations

import numpy as np
import pytest
from protocols import make_trials

from gaitproof.errors import InputError
from gaitproof.evaluate.plans import Plan, check_disjoint
from gaitproof.evaluate.trials import DISTANCE, Kind, Trials
from gaitproof.types import GaitWindows
from gaitproof.verify.scoring import make_template, similarity


class Walk:
    """A walk without windows: here the embeddings are given."""

    bones = None
    windows = GaitWindows.empty()

    def __init__(self, subject, recording, source="made", view="side", parent=""):
        self.subject, self.recording, self.source = subject, recording, source
        self.view, self.parent, self.condition = view, parent, "normal"


def _walks(people: int = 4, each: int = 5, source: str = "made") -> list[Walk]:
    return [Walk(f"p{p}", f"w{w}", source) for p in range(people) for w in range(each)]


def _units(walks, seed=0, windows=3, size=8):
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(windows, size)) for _ in walks]
    return [r / np.linalg.norm(r, axis=1, keepdims=True) for r in rows]


def test_every_probe_claims_every_template_once():
    trials = make_trials(walks := _walks(), _units(walks))
    assert len(trials) == 4 * 2 * 4
    assert trials.mated.sum() == 4 * 2
    assert set(trials.kind) == {Kind.MATED, Kind.ENROLLED}
    assert set(trials.recording) == {"w3", "w4"}
    pairs = set(zip(trials.probe, trials.recording, trials.claimed, strict=True))
    assert len(pairs) == len(trials)
    assert trials.subjects == tuple(f"made:p{i}" for i in range(4))


def test_scores_are_those_of_verification():
    walks = _walks()
    embeddings = _units(walks)
    trials = make_trials(walks, embeddings)
    row = np.flatnonzero(
        (trials.probe == "made:p1") & (trials.recording == "w4") & (trials.claimed == "made:p2")
    )
    template = make_template(embeddings[10:13])
    assert trials.scores[row] == pytest.approx(similarity(embeddings[9], template), abs=1e-6)


def test_the_window_level_scores_every_window():
    walks = _walks()
    embeddings = _units(walks)
    trials = make_trials(walks, embeddings, level="window")
    assert len(trials) == 4 * 2 * 3 * 4
    assert trials.scores[0] == pytest.approx(
        similarity(embeddings[3][:1], make_template(embeddings[:3])), abs=1e-6
    )


def test_the_distance_scoring_is_minus_the_euclidean_distance_of_means():
    walks = _walks(2)
    vectors = _units(walks)
    trials = make_trials(walks, vectors, scoring=DISTANCE)
    template = np.mean([v.mean(axis=0) for v in vectors[5:8]], axis=0)
    expected = -np.linalg.norm(vectors[3].mean(axis=0) - template)
    assert trials.scores[1] == pytest.approx(expected)


def test_a_person_without_a_spare_recording_is_a_stranger():
    walks = [*_walks(2), Walk("new", "w0"), Walk("new", "w1")]
    trials = make_trials(walks, _units(walks))
    stranger = trials.select(trials.kind == Kind.STRANGER)
    assert set(stranger.probe) == {"made:new"}
    assert set(stranger.recording) == {"w0", "w1"}
    assert "made:new" not in trials.claimed


def test_claims_stay_within_their_source():
    walks = [*_walks(2, source="a"), *_walks(3, source="b")]
    trials = make_trials(walks, _units(walks))
    assert len(trials) == 2 * 2 * 2 + 3 * 2 * 3
    assert all(
        p.split(":")[0] == c.split(":")[0]
        for p, c in zip(trials.probe, trials.claimed, strict=True)
    )
    # p0 of one source is not p0 of the other
    assert len(trials.subjects) == 5


def test_another_view_of_an_enrolled_walk_is_never_a_probe():
    walks = [Walk(f"p{p}", f"w{w}", view=v) for p in range(2) for w in range(4) for v in "LR"]
    trials = make_trials(walks, _units(walks))
    assert set(trials.recording) == {"w3"}
    assert len(trials) == 2 * 2 * 2


def test_a_clip_that_could_not_be_acquired_is_kept_without_a_score():
    walks = _walks()
    embeddings = _units(walks)
    embeddings[4] = np.zeros((0, 8))
    for level in ("clip", "window"):
        trials = make_trials(walks, embeddings, level=level)
        missing = trials.select(np.isnan(trials.scores))
        assert trials.failures == 4
        assert set(missing.probe) == {"made:p0"}
        assert missing.mated.sum() == 1


def test_nobody_can_be_scored_against_a_template_of_nothing():
    walks = _walks()
    embeddings = _units(walks)
    for i in range(3):
        embeddings[i] = np.zeros((0, 8))
    trials = make_trials(walks, embeddings)
    assert len(trials) == 4 * 2 * 4
    assert set(trials.claimed[np.isnan(trials.scores)]) == {"made:p0"}


def test_augmented_copies_are_refused():
    walks = [*_walks(), Walk("p0", "w0-copy", parent="w0")]
    with pytest.raises(InputError, match="copies are training data"):
        make_trials(walks, _units(walks))


@pytest.mark.parametrize("probe", [Walk("p0", "w0", view="front"), Walk("p0", "w0b", parent="w0")])
def test_a_probe_in_its_own_template_is_refused(probe):
    with pytest.raises(InputError, match="own recording"):
        check_disjoint([Walk("p0", "w0"), probe, Walk("p1", "w0")], Plan({"made:p0": (0,)}, (1, 2)))
    check_disjoint([Walk("p0", "w0"), Walk("p1", "w0")], Plan({"made:p0": (0,)}, (1,)))


def test_unusable_input_is_refused():
    walks = _walks()
    with pytest.raises(InputError, match="embeddings"):
        make_trials(walks, _units(walks)[:-1])
    with pytest.raises(InputError, match="at least one"):
        make_trials(walks, _units(walks), enrolled=0)
    with pytest.raises(InputError, match="No template"):
        make_trials(walks, _units(walks), enrolled=5)


def _trials(**changes):
    values = {
        "scores": [0.9, 0.1],
        "mated": [True, False],
        "probe": ["a", "a"],
        "claimed": ["a", "b"],
        "recording": ["r", "r"],
        "source": ["s", "s"],
        "kind": [Kind.MATED, Kind.ENROLLED],
        "fold": [0, 0],
    }
    return Trials(**{name: np.array(v) for name, v in {**values, **changes}.items()})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": [np.inf, 0.0]}, "infinite"),
        ({"probe": ["a"]}, "wrong shape"),
        ({"mated": [True, True]}, "mated exactly"),
        ({"kind": [Kind.ENROLLED, Kind.ENROLLED]}, "contradicts"),
        ({"kind": [Kind.MATED, "other"]}, "contradicts"),
    ],
)
def test_contradictory_trials_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        _trials(**changes)


def test_trials_cannot_be_changed_and_pool_as_they_are():
    trials = _trials()
    with pytest.raises(ValueError, match="read-only"):
        trials.scores[0] = 1.0
    pooled = Trials.concatenate([trials, trials.with_scores(np.array([0.5, np.nan]))])
    assert len(pooled) == 4
    assert pooled.failures == 1
    with pytest.raises(InputError):
        Trials.concatenate([])
