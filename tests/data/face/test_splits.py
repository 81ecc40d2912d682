from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.splits import (
    SHARES,
    assign_splits,
    find_leaks,
    group_clips,
    set_aside,
)
from gaitproof.errors import ConfigError


def clip(number, keys, split=""):
    return FaceClip(f"{number}.mp4", Label.REAL, tuple(keys), split=split)


CLIPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=3),
        st.sampled_from(["", "train", "validation", "test", "unused"]),
    ),
    max_size=25,
).map(lambda rows: [clip(i, keys, split) for i, (keys, split) in enumerate(rows)])


@pytest.mark.slow
@given(CLIPS, st.integers(0, 5))
def test_no_key_is_ever_on_two_sides(clips, seed):
    assigned = assign_splits(clips, seed=seed)
    assert find_leaks(assigned) == ()
    assert all(c.split for c in assigned)
    assert [c.path for c in assigned] == [c.path for c in clips]


@pytest.mark.slow
@given(CLIPS, st.floats(0, 0.99), st.integers(0, 5))
def test_whole_groups_of_training_clips_are_set_aside(clips, share, seed):
    assigned = assign_splits(clips, {"train": 1, "validation": 0, "test": 0})
    aside = set_aside(assigned, share, seed)
    assert find_leaks(aside) == ()
    had_validation = any(clip.split == "validation" for clip in assigned)
    for before, after in zip(assigned, aside, strict=True):
        may_move = before.split == "train" and share and not had_validation
        assert after.split == before.split or (may_move and after.split == "validation")


def test_some_people_are_set_aside_however_few_there_are_but_not_all():
    few = [clip(i, [f"person {i}"], "train") for i in range(5)]
    for share, expected in ((0.0, 0), (0.01, 1), (0.2, 1), (0.21, 2), (0.99, 4)):
        aside = [c for c in set_aside(few, share) if c.split == "validation"]
        assert len(aside) == expected
    assert set_aside(few[:1], 0.5) == (few[0],)
    assert set_aside([], 0.5) == ()


def test_as_many_are_set_aside_as_wished():
    clips = [clip(i, [f"person {i}"], "train") for i in range(400)]
    aside = [c for c in set_aside(clips, 0.2, seed=3) if c.split == "validation"]
    assert len(aside) == 80
    assert set_aside(clips, 0.2, seed=3) != set_aside(clips, 0.2, seed=4)


@pytest.mark.slow
@given(CLIPS)
def test_published_sides_are_kept_or_given_up_but_never_exchanged(clips):
    for before, after in zip(clips, assign_splits(clips), strict=True):
        assert before.split in ("", after.split) or after.split == "unused"
        assert before.split != "test" or after.split == "test"


@pytest.mark.slow
@given(CLIPS)
def test_groups_are_the_smallest_that_hold_together(clips):
    groups = group_clips(clips)
    for (a, i), (b, j) in product(zip(clips, groups, strict=True), repeat=2):
        if set(a.keys) & set(b.keys):
            assert i == j
    # independent reference: repeated merging of key sets
    sets = [set(c.keys) for c in clips]
    merged = True
    while merged:
        merged = False
        for x, y in product(range(len(sets)), repeat=2):
            if x < y and sets[x] & sets[y]:
                sets[x] |= sets.pop(y)
                merged = True
                break
    assert len(set(groups)) == len(sets)


def test_a_clip_keeps_its_side_when_the_data_set_grows():
    few = [clip(i, [f"p{i}"]) for i in range(50)]
    more = [*few, *(clip(i, [f"p{i}"]) for i in range(50, 200))]
    assert assign_splits(more)[:50] == assign_splits(few)


def test_shares_are_about_what_was_asked_for():
    divided = assign_splits([clip(i, [f"p{i}"]) for i in range(2000)], seed=3)
    for name, share in SHARES.items():
        assert sum(c.split == name for c in divided) / 2000 == pytest.approx(share, abs=0.04)


def test_a_fake_follows_its_original_into_the_test():
    original, fake = clip(0, ["id0"], "test"), clip(1, ["id0", "id1"])
    other = clip(2, ["id1"], "train")
    assert [c.split for c in assign_splits([original, fake, other])] == ["test", "test", "unused"]


def test_a_planted_leak_is_named():
    leak = [clip(0, ["ann"], "train"), clip(1, ["ann", "bob"], "test"), clip(2, ["bob"], "unused")]
    assert find_leaks(leak) == ("ann is in test and train",)


@pytest.mark.parametrize(
    "shares",
    [
        {"train": 1.0},
        {"train": 0.5, "validation": 0.5, "test": 0.5},
        {"train": 1.5, "validation": -0.5, "test": 0.0},
    ],
)
def test_shares_must_add_up(shares):
    with pytest.raises(ConfigError, match="add up"):
        assign_splits([], shares)
