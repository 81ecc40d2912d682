from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.data.split import split_people
from gaitproof.errors import InputError
from gaitproof.evaluate.designs import leave_one_out, split_recordings


@given(st.integers(4, 60), st.integers(2, 10), st.integers(0, 5))
def test_everybody_is_held_out_once_and_never_trained_on_then(people, count, seed):
    names = [f"p{i}" for i in range(people)]
    if people < 2 * count:
        with pytest.raises(InputError, match="Too few"):
            split_people(names, count, seed)
        return
    folds = split_people(names, count, seed)
    assert sorted(n for fold in folds for n in fold.test) == sorted(names)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert set(fold.train) | set(fold.test) == set(names)


def test_folds_depend_on_the_seed_only():
    names = [f"p{i}" for i in range(20)]
    assert split_people(names, 5, 1) == split_people(names[::-1] * 2, 5, 1)
    assert split_people(names, 5, 1) != split_people(names, 5, 2)


def test_every_fold_holds_its_share_of_every_source(make_walks):
    walks = [*make_walks(10, 2, source="a"), *make_walks(20, 2, source="b")]
    for fold in split_recordings(walks, 5):
        assert sum(name.startswith("a:") for name in fold.test) == 2
        assert sum(name.startswith("b:") for name in fold.test) == 4


def test_a_source_too_small_to_fold_is_training_data(make_walks):
    walks = [*make_walks(10, 2, source="a"), *make_walks(3, 2, source="tiny")]
    for fold in split_recordings(walks, 5):
        assert all(name.startswith("a:") for name in fold.test)
        assert {n for n in fold.train if n.startswith("tiny:")} == {f"tiny:p0{i}" for i in range(3)}
    with pytest.raises(InputError, match="3 people at most"):
        split_recordings(make_walks(3, 2), 5)


def test_leave_one_out_holds_out_each_person_once(make_walks):
    folds = list(leave_one_out(make_walks(4, 2)))
    assert [fold.test for fold in folds] == [(f"made:p0{i}",) for i in range(4)]
    assert all(set(fold.train).isdisjoint(fold.test) for fold in folds)
