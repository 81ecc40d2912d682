import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.demo import plan as module
from gaitproof.demo.plan import NAMES, NOBODY, make_plan
from gaitproof.errors import ConfigError
from gaitproof.types import Decision
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE


def test_doctests():
    assert doctest.testmod(module).failed == 0


@given(st.integers(0, 2**40))
def test_every_plan_asks_the_same_questions(seed):
    plan = make_plan(seed)
    assert plan == make_plan(seed)
    assert set(plan.enrolment) == set(NAMES)
    assert all(len(clips) == 3 for clips in plan.enrolment.values())
    assert {trial.expected for trial in plan.trials} == set(Decision)
    clips = plan.clips
    assert len(clips) == len({clip.name for clip in clips}) == 16
    assert len({clip.take_seed for clip in clips}) == len(clips)
    assert len({clip.walker_seed for clip in clips}) == len(NAMES) + 1


def test_seeds_give_other_people():
    walkers = [clip.walker_seed for seed in range(5) for clip in make_plan(seed).clips]
    assert len(set(walkers)) == 5 * (len(NAMES) + 1)


def test_expectations_follow_from_who_walks():
    plan = make_plan(3)
    walker_of = {name: clips[0].walker_seed for name, clips in plan.enrolment.items()}
    window = WINDOW_FRAMES / WINDOW_RATE
    for trial in plan.trials:
        genuine = trial.clip.walker_seed == walker_of[trial.claim]
        if trial.clip.seconds < window:
            assert trial.expected is Decision.INCONCLUSIVE
        else:
            assert trial.expected is (Decision.AUTHENTIC if genuine else Decision.DEEPFAKE)
        if trial.clip.face_seed is not None:
            assert trial.clip.face_seed == walker_of[trial.claim]
            assert not genuine
    assert sum(trial.clip.face_seed is not None for trial in plan.trials) == 2


def test_no_probe_is_enrolled():
    plan = make_plan(0)
    enrolled = {clip for clips in plan.enrolment.values() for clip in clips}
    assert enrolled.isdisjoint(trial.clip for trial in plan.trials)
    assert NOBODY not in plan.enrolment


def test_negative_seeds_are_refused():
    with pytest.raises(ConfigError, match="negative"):
        make_plan(-1)
