from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from protocols import both_unseen

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.baselines import BASELINES
from gaitproof.types import GaitWindows


def _embed(windows):
    rows = windows.features.mean(axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _fit(train):
    return _embed


@pytest.mark.slow
def test_a_system_that_knows_the_people_beats_the_baselines(make_walks):
    seen = []

    def fit(train):
        seen.append({w.subject for w in train})
        return _embed

    walks = make_walks(20, 5)
    result = both_unseen(walks, fit, folds=5, draws=100)
    clip, window = result.system["clip"], result.system["window"]
    assert [len(people) for people in seen] == [16] * 5
    # 4 people a fold, 2 probes each, 4 claims
    assert (clip.mated, clip.nonmated, clip.people) == (40, 120, 20)
    assert (window.mated, window.nonmated) == (80, 240)
    assert clip.figures["eer"].value < 0.05
    assert set(result.baselines) == {
        "bone lengths, metric",
        "bone lengths, torso-scaled",
        "static mean pose",
        "joint angles, dynamic time warping",
        "feature statistics, linear discriminants",
    }
    assert "window" not in result.baselines["bone lengths, metric"]
    assert set(result.comparisons["static mean pose"]) == {"clip", "window"}
    assert len(clip.per_fold) == 5
    assert len(clip.per_person) == 20
    assert clip.decisions is not None
    assert clip.decisions.accuracy > 0.9
    assert clip.cllr is not None
    assert clip.min_cllr <= clip.cllr < 0.7


def test_nobody_is_trained_on_and_claimed_in_one_fold(make_walks):
    trained: list[set[str]] = []

    def fit(train):
        trained.append({f"{w.source}:{w.subject}" for w in train})
        return _embed

    result = both_unseen(make_walks(12, 5), fit, folds=3, draws=20, baselines={})
    trials = result.system["clip"].trials
    for fold, people in enumerate(trained):
        part = trials.select(trials.fold == fold)
        assert not people & {*part.probe, *part.claimed}


@pytest.mark.slow
def test_runs_are_the_same_for_a_seed(make_walks):
    walks = make_walks(12, 5)
    first, again, other = (
        both_unseen(walks, _fit, folds=3, draws=50, seed=s, baselines=MOTIONLESS).to_dict()
        for s in (1, 1, 2)
    )
    assert first == again
    assert first != other


RUNS = 12
"""Independent canaries; if their 95 % intervals hold, fewer than 9 cover 0.5 once in 500 times."""


MOTIONLESS = {"static mean pose": BASELINES["static mean pose"]}


def _check_canary(change):
    covered, values = 0, []
    for seed in range(RUNS):
        result = both_unseen(
            change(seed), _fit, folds=3, draws=200, seed=seed, baselines=MOTIONLESS
        )
        for level in ("clip", "window"):
            for system in (result.system, result.baselines["static mean pose"]):
                auc = system[level].figures["auc"]
                covered += auc.low <= 0.5 <= auc.high
                values.append(auc.value)
    assert covered >= 4 * 9
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_canary_noise_features_carry_no_identity(make_walks):
    _check_canary(lambda seed: make_walks(24, 5, identity=0.0, seed=seed))


@pytest.mark.slow
def test_canary_shuffled_labels_carry_no_identity(make_walks):
    walks = make_walks(24, 5, seed=4)

    def shuffle(seed):
        order = np.random.default_rng(seed).permutation(len(walks))
        return [
            replace(walks[i], subject=w.subject, recording=w.recording)
            for i, w in zip(order, walks, strict=True)
        ]

    _check_canary(shuffle)
    intact = both_unseen(walks, _fit, folds=3, draws=100, baselines=MOTIONLESS)
    assert all(level.figures["auc"].low > 0.9 for level in intact.system.values())


def test_canary_a_copy_in_another_persons_name_is_refused(make_walks):
    walks = make_walks(12, 5)
    original = replace(walks[0], recording="only p00 has it")
    copy = make_walks(1, 1, seed=9)[0]
    copy = replace(copy, subject="p11", recording="copy", parent="only p00 has it")
    with pytest.raises(InputError, match="has no original"):
        both_unseen([original, *walks[1:], copy], _fit, folds=3, draws=10)


def test_canary_one_walk_twice_is_refused(make_walks):
    walks = make_walks(12, 5)
    with pytest.raises(InputError, match="leaks"):
        both_unseen([*walks, replace(walks[0], recording="w9")], _fit, folds=3, draws=10)


@pytest.mark.slow
def test_augmented_copies_are_trained_on_and_never_tried(make_walks):
    walks = make_walks(12, 5)
    extra = make_walks(12, 5, seed=7)
    copies = [replace(w, recording=w.recording + "x", parent=w.recording) for w in extra]
    sizes = []

    def fit(train):
        sizes.append(sum(bool(w.parent) for w in train))
        # a copy is trained on exactly where its person is
        assert {w.subject for w in train if w.parent} == {w.subject for w in train}
        return _embed

    trials = both_unseen([*walks, *copies], fit, folds=3, draws=20).system["clip"].trials
    assert sizes == [40] * 3
    assert not [name for name in trials.recording if name.endswith("x")]


def test_clips_without_windows_are_counted_not_dropped(make_walks):
    walks = make_walks(12, 5)
    walks[4] = replace(walks[4], windows=GaitWindows.empty())
    result = both_unseen(walks, _fit, folds=3, draws=50, baselines={})
    clip = result.system["clip"]
    assert clip.failures == 4
    assert clip.mated == 24
    trials = clip.trials
    fnmr = metrics.figures_at_threshold(trials.scores, trials.mated, 0.0).fnmr
    assert fnmr == pytest.approx(1 / 24)


@pytest.mark.slow
def test_walks_without_bones_leave_the_bone_baselines_out(make_walks):
    walks = [replace(w, bones=None) for w in make_walks(12, 5)]
    baselines = both_unseen(walks, _fit, folds=3, draws=20).baselines
    assert set(baselines) == {
        "static mean pose",
        "joint angles, dynamic time warping",
        "feature statistics, linear discriminants",
    }


def test_an_embedding_that_is_not_finite_is_refused(make_walks):
    with pytest.raises(InputError, match="not finite"):
        both_unseen(
            make_walks(12, 5),
            lambda train: lambda windows: np.full((len(windows), 4), np.nan),
            folds=3,
            draws=20,
        )


def test_the_result_is_saved_as_json(make_walks, tmp_path):
    result = both_unseen(make_walks(12, 5), _fit, folds=3, draws=50, baselines=MOTIONLESS)
    path = tmp_path / "result.json"
    result.save(path)
    read = json.loads(path.read_text())
    assert read == result.to_dict()
    assert read["system"]["clip"]["people"] == 12
    # 12 people support no FMR of 10 %
    assert read["system"]["clip"]["unsupported"]["fnmr_at_fmr_10pct"] == 29
    assert "fnmr_at_fmr_10pct" not in read["system"]["clip"]["figures"]
