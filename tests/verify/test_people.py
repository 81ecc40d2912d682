import pytest
from scripted import walk

from gaitproof.errors import InputError
from gaitproof.verify.people import TrackSummary, choose, summarise


def _track(index, start=0.0, end=4.0, height=400.0, usable=True, frames=None):
    count = int((end - start) * 30) if frames is None else frames
    return TrackSummary(index, start, end, height, count, usable)


def test_one_person_is_taken_without_a_word():
    choice = choose([_track(0)], "auto")
    assert (choice.indices, choice.reason, choice.notes) == ((0,), "", ())


@pytest.mark.parametrize("person", ["auto", "all"])
@pytest.mark.parametrize("tracks", [[], [_track(0, frames=0)]])
def test_nobody(person, tracks):
    choice = choose(tracks, person)
    assert choice.indices == ()
    assert choice.reason == "No person was found."


@pytest.mark.parametrize("person", ["auto", "all"])
def test_two_people_side_by_side_are_not_decided(person):
    choice = choose([_track(0), _track(1, 1.0, 5.0, 300)], person)
    assert choice.indices == ()
    assert "--person N" in choice.reason
    assert "person 0" in choice.reason
    assert "person 1" in choice.reason


def test_a_crowd_is_counted_not_listed():
    crowd = [_track(i, height=300 + i) for i in range(32)]
    reason = choose(crowd, "auto").reason
    assert "person 5: 0.0 to 4.0 s, 305 px; 26 more); choose one" in reason
    with pytest.raises(InputError, match="305 px; 26 more"):
        choose(crowd, 40)


@pytest.mark.parametrize("person", [0, 1])
def test_a_choice_settles_it(person):
    assert choose([_track(0), _track(1)], person).indices == (person,)


def test_nobody_is_ignored_in_silence_and_many_are_counted():
    crowd = [_track(i, 5 * i, 5 * i + 4, 300 + i, usable=i != 1) for i in range(9)]
    (note,) = choose(crowd, 0).notes
    assert "person 1: 5.0 to 9.0 s, 301 px, cannot be used" in note
    assert note.endswith("2 more.")
    assert choose(crowd[:1], "auto").notes == ()


def test_one_after_another_takes_the_largest_and_says_so():
    choice = choose([_track(0, 0, 4, 300), _track(1, 5, 9, 400), _track(2, 10, 14, 350)], "auto")
    assert choice.indices == (1,)
    assert "Taken: person 1: 5.0 to 9.0 s, 400 px. Left out: person 0" in choice.notes[0]
    assert "person 2" in choice.notes[0]
    assert "--person all" in choice.notes[0]


def test_a_usable_track_goes_before_a_larger_one():
    choice = choose([_track(0, 0, 4, 500, usable=False), _track(1, 5, 9, 300)], "auto")
    assert choice.indices == (1,)


@pytest.mark.parametrize(
    "background",
    [_track(1, height=150), _track(1, 0, 0.6), _track(1, 3.9, 6.0)],
    ids=["small", "fragment", "handover"],
)
def test_background_does_not_hinder(background):
    assert choose([_track(0), background], "auto").indices == (0,)


def test_a_large_unusable_person_in_front_is_not_passed_over():
    # otherwise a small clean walker behind the speaker would be scored without a word
    choice = choose([_track(0, height=600, usable=False), _track(1, height=350)], "auto")
    assert choice.indices == ()


def test_all_joins_tracks_one_after_another():
    assert choose([_track(0, 0, 4), _track(1, 5, 9)], "all").indices == (0, 1)


@pytest.mark.parametrize("person", [1, 7])
def test_people_that_are_not_there(person):
    with pytest.raises(InputError, match=r"person 0: 0.0 to 4.0 s, 400 px"):
        choose([_track(0)], person)


def test_summary_of_a_walk():
    track = walk(0, seconds=3, start=2.0, height=400)
    summary = summarise(3, track, True)
    assert summary.index == 3
    assert (summary.start, summary.end) == pytest.approx((2.0, 5.0), abs=0.05)
    assert 300 < summary.height < 450
    assert summary.frames == 90
