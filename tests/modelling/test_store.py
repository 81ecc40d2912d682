from __future__ import annotations

import json

import numpy as np
import pytest

from gaitproof.errors import InputError
from gaitproof.modelling.store import (
    Finished,
    TrialStore,
    fingerprint,
    fingerprint_recordings,
)


def test_what_is_saved_comes_back(made_trials, tmp_path):
    trials = made_trials(6, 2)
    missing = trials.with_scores(np.where(np.arange(len(trials)) == 3, np.nan, trials.scores))
    store = TrialStore(tmp_path / "new" / "folder")
    store.save("loss: triplet, fold 0", "k", Finished({"a/clip": trials, "w": missing}, {"n": 1}))
    loaded = store.load("loss: triplet, fold 0", "k")
    assert loaded is not None
    assert loaded.facts == {"n": 1}
    assert list(loaded.trials) == ["a/clip", "w"]
    np.testing.assert_array_equal(loaded.trials["w"].scores, missing.scores)
    for name in ("probe", "claimed", "recording", "source", "kind", "fold", "mated"):
        np.testing.assert_array_equal(
            getattr(loaded.trials["a/clip"], name), getattr(trials, name), name
        )
    readable = json.loads(next((tmp_path / "new" / "folder").glob("*.json")).read_text())
    assert readable == {"name": "loss: triplet, fold 0", "fingerprint": "k", "n": 1}


def test_another_fingerprint_or_name_finds_nothing(made_trials, tmp_path):
    store = TrialStore(tmp_path)
    store.save("a b", "k", Finished({"clip": made_trials(6, 2)}))
    assert store.load("a b", "other") is None
    # the same once written as a file name
    assert store.load("a-b", "k") is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"{}"])
def test_a_broken_file_counts_as_nothing(made_trials, tmp_path, content):
    store = TrialStore(tmp_path)
    store.save("a", "k", Finished({"clip": made_trials(6, 2)}))
    next(tmp_path.glob("*.npz")).write_bytes(content)
    assert store.load("a", "k") is None


def test_a_torn_archive_counts_as_nothing(made_trials, tmp_path):
    store = TrialStore(tmp_path)
    store.save("a", "k", Finished({"clip": made_trials(6, 2)}))
    path = next(tmp_path.glob("*.npz"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert store.load("a", "k") is None


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(InputError, match="cannot be made"):
        TrialStore(tmp_path / "f")


def test_fingerprints_follow_values(make_walks):
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    walks = make_walks(3, 2)
    assert fingerprint_recordings(walks) == fingerprint_recordings(make_walks(3, 2))
    assert fingerprint_recordings(walks) != fingerprint_recordings(walks[::-1])
    assert fingerprint_recordings(walks) != fingerprint_recordings(make_walks(3, 2, seed=1))
