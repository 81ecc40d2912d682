from dataclasses import replace

import numpy as np
import pytest
from scripted import make_band, walk
from synthetic_joint import make_face, make_face_card, make_scan, make_weights

from gaitproof.errors import InputError
from gaitproof.types import Decision, ErrorRate, PoseSequence
from gaitproof.verify.fusion.belonging import find_own_faces
from gaitproof.verify.fusion.joint import join
from gaitproof.verify.fusion.verdict import COMBINATIONS, Answers, Says


@pytest.fixture
def person():
    return walk(0)


def middle_of_head(track):
    return track.image[:, :11].mean(axis=(0, 1))


def box_around(track, half=60):
    x, y = middle_of_head(track)
    return (x - half, y - half, x + half, y + half)


@pytest.fixture
def joined(make_verdict):
    def do(decision="AUTHENTIC", face=None, *, weights=None, tracks=(), card=None, **changes):
        scan = face if not hasattr(face, "frames") else make_scan(face)
        return join(
            make_verdict(decision, **changes),
            make_scan() if scan is None else scan,
            card or make_face_card(),
            tracks=tracks,
            weights=weights,
        )

    return do


@pytest.mark.parametrize(
    ("walk_decision", "face", "answer", "log10_lr", "words"),
    [
        ("AUTHENTIC", ("REAL", 1.0), "AUTHENTIC", 1.0, "an untouched video"),
        ("AUTHENTIC", ("FAKE", -0.9), "DEEPFAKE", -0.9, "replaced lips or a reenacted face"),
        ("DEEPFAKE", ("REAL", 1.0), "DEEPFAKE", -1.43, "a lookalike"),
        ("DEEPFAKE", ("FAKE", -0.3), "DEEPFAKE", -1.73, "a face swap: the claimed person's face"),
    ],
)
def test_the_four_combinations(joined, walk_decision, face, answer, log10_lr, words):
    joint = joined(walk_decision, make_face(*face))
    assert joint.decision == answer
    assert joint.answers is Answers.BOTH
    assert joint.log10_lr == pytest.approx(log10_lr)
    assert joint.weight.endswith(f"{'for' if log10_lr > 0 else 'against'} the claim")
    assert joint.combination in COMBINATIONS
    assert words in joint.plain
    assert "Ann" in joint.headline
    assert joint.question == (
        "the video shows Ann's own body, and the face in it is not manipulated"
    )


def test_every_combination_of_two_answers_is_told():
    assert {(c.walk, c.face) for c in COMBINATIONS} == {
        (a, b) for a in (Says.FOR, Says.AGAINST) for b in (Says.FOR, Says.AGAINST)
    }


def test_no_face_leaves_the_walk_as_it_is(joined, make_verdict):
    for decision in ("AUTHENTIC", "DEEPFAKE"):
        alone, joint = make_verdict(decision), joined(decision)
        assert joint.decision is alone.decision
        assert (joint.log10_lr, joint.log10_lr_bound) == (alone.log10_lr, alone.log10_lr_bound)
        assert joint.answers is Answers.WALK
        assert "unchanged" in joint.rule
        assert "no face was found in the video" in joint.notes
        assert "whatever the face" in joint.question
        assert joint.face is None
        assert joint.false_authentic_face is None
        assert joint.combination is None


def test_no_walk_leaves_the_face_as_it_is(joined):
    fake = joined("INCONCLUSIVE", make_face("FAKE", -1.1))
    assert fake.decision is Decision.DEEPFAKE
    assert (fake.log10_lr, fake.log10_lr_bound) == (-1.1, 1.3)
    assert fake.answers is Answers.FACE
    assert fake.false_authentic_walk is None
    assert fake.false_deepfake == fake.face.false_fake
    real = joined("INCONCLUSIVE", make_face("REAL", 1.1))
    assert real.decision is Decision.INCONCLUSIVE
    assert "does not tell who the person is" in real.reason
    assert "too few steps" in real.reason
    assert real.log10_lr == 1.1
    assert real.weight == "some support"


def test_neither(joined):
    joint = joined("INCONCLUSIVE")
    assert joint.decision is Decision.INCONCLUSIVE
    assert joint.reason == "too few steps"
    assert (joint.answers, joint.log10_lr, joint.weight) == (Answers.NONE, None, "")


def test_an_undecided_half_leaves_the_whole_undecided(joined):
    joint = joined("AUTHENTIC", make_face("INCONCLUSIVE", 0.2))
    assert joint.decision is Decision.INCONCLUSIVE
    assert joint.face_says is Says.OPEN
    assert "too blurred" in joint.reason
    close = joined("INCONCLUSIVE", make_face(), similarity=0.91, log10_lr=0.1, reason="too close")
    assert close.walk is Says.OPEN
    assert (close.decision, close.reason) == (Decision.INCONCLUSIVE, "too close")
    spoken = joined("INCONCLUSIVE", make_face("FAKE", -1.0), similarity=0.9, log10_lr=0.1)
    assert spoken.decision is Decision.DEEPFAKE


def test_too_few_pictures_of_a_face_are_no_face(joined):
    joint = joined("AUTHENTIC", make_face("INCONCLUSIVE", -1.0, pictures=2))
    assert joint.face_says is Says.MISSING
    assert joint.decision is Decision.AUTHENTIC
    assert joint.log10_lr == 1.8
    assert any("too blurred" in note for note in joint.notes)
    unseen = joined("AUTHENTIC", make_face("INCONCLUSIVE", pictures=0))
    assert unseen.log10_lr == 1.8


def test_the_answer_never_contradicts_its_weight(joined):
    weak = joined("AUTHENTIC", make_face("FAKE", -0.2))
    assert weak.decision is Decision.INCONCLUSIVE
    assert "lip or face reenactment of the true person's footage?" in weak.reason
    odd = joined("DEEPFAKE", make_face("REAL", 1.0), log10_lr=-0.1)
    assert odd.decision is Decision.INCONCLUSIVE
    assert "somebody else" in odd.reason
    poor = joined("AUTHENTIC", make_face("REAL", 0.1))
    assert poor.decision is Decision.INCONCLUSIVE
    assert "too little" in poor.reason


def test_without_calibration_the_face_decides_but_does_not_weigh(joined):
    card = make_face_card(calibration=None)
    for decision, face, answer in (
        ("AUTHENTIC", "REAL", Decision.AUTHENTIC),
        ("AUTHENTIC", "FAKE", Decision.DEEPFAKE),
    ):
        joint = joined(decision, make_face(face, None), card=card)
        assert joint.decision is answer
        assert joint.log10_lr is None
        assert "no calibration" in joint.rule


def test_learnt_weights_are_used_only_for_their_models(joined):
    weights = make_weights()
    joint = joined("AUTHENTIC", make_face("REAL", 1.0), weights=weights)
    assert joint.log10_lr == pytest.approx(0.25 * 1.8 + 0.25 * 1.0 + 0.5 * 1.0)
    assert "learnt on 16 people: made trials" in joint.rule
    assert joint.log10_lr_bound == 1.2
    assert joined("AUTHENTIC", weights=weights).log10_lr == 1.8
    other = joined("AUTHENTIC", make_face("REAL", 1.0), weights=make_weights(face_model="other"))
    assert other.log10_lr == 1.0
    assert any("other" in note and "without" in note for note in other.notes)


def test_error_rates_follow_from_the_two(joined):
    joint = joined("AUTHENTIC", make_face())
    assert joint.false_authentic_walk == ErrorRate(0.032, 0.011, 0.06)
    assert joint.false_authentic_face == ErrorRate(0.12, 0.05, 0.25)
    assert joint.false_deepfake.value == pytest.approx(0.041 + 0.08)
    assert joint.false_deepfake.low == 0.03
    assert joint.false_deepfake.high == pytest.approx(0.29)
    banded = joined("AUTHENTIC", make_face(), band=make_band(0.9, 0.94))
    assert banded.false_authentic_walk == ErrorRate(0.031, 0.01, 0.05)
    assert banded.false_deepfake.value == pytest.approx(0.032 + 0.08)


def test_joint_errors_keep_to_the_stated_bounds():
    """Whatever gait and face have in common, the bound holds."""
    rng = np.random.default_rng(0)
    for rho in (-0.9, 0.0, 0.9):
        drawn = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], 20_000)
        walk_refused, face_refused = drawn[:, 0] < -1.6, drawn[:, 1] < -1.3
        either = (walk_refused | face_refused).mean()
        assert either <= walk_refused.mean() + face_refused.mean()
        assert either >= max(walk_refused.mean(), face_refused.mean())


def test_two_files_are_not_joined(joined):
    with pytest.raises(InputError, match="same file"):
        joined("AUTHENTIC", make_scan(make_face(), sha256="cd" * 32))


def test_the_face_is_that_of_the_person_who_walks(joined, person):
    own = make_face("FAKE", -1.0, number=2, box=box_around(person))
    poster = make_face("REAL", 1.2, number=1, box=(0, 0, 100, 100))
    joint = joined("AUTHENTIC", make_scan(poster, own), tracks=[person])
    assert joint.face.number == 2
    assert joint.decision is Decision.DEEPFAKE
    assert any("1 other face is" in note for note in joint.notes)
    away = joined("AUTHENTIC", make_scan(poster), tracks=[person])
    assert away.face is None
    assert away.decision is Decision.AUTHENTIC
    assert any("belongs to the person" in note for note in away.notes)


def test_of_the_pieces_of_a_face_the_worst_counts(joined, person):
    box = box_around(person)
    pieces = [
        make_face("REAL", 1.2, number=1, box=box),
        make_face("FAKE", -1.0, number=2, box=box),
        make_face("INCONCLUSIVE", -1.3, number=3, box=box, pictures=1),
    ]
    joint = joined("AUTHENTIC", make_scan(*pieces), tracks=[person])
    assert joint.face.number == 2
    assert any("3 pieces" in note for note in joint.notes)


def test_where_it_cannot_be_told_whose_face_it_is(joined, person):
    one, two = make_face(), make_face("FAKE", -1.0, number=2)
    assert any("only face" in note for note in joined("AUTHENTIC", one).notes)
    joint = joined("AUTHENTIC", make_scan(one, two))
    assert joint.face is None
    assert any("is unclear" in note for note in joint.notes)
    # boxes of a turned image say nothing about upright poses
    turned = make_scan(make_face(box=(0, 0, 9, 9)), turned=180)
    assert joined("AUTHENTIC", turned, tracks=[person]).face.number == 1


def test_belonging_goes_by_time_and_place(person):
    box = box_around(person)
    own = make_face(box=box)
    assert find_own_faces([own], [person]) == (0,)
    assert find_own_faces([make_face(box=(0, 0, 50, 50)), own], [person]) == (1,)
    later = replace(person, timestamps=person.timestamps + 100)
    assert find_own_faces([own], [later]) is None
    assert find_own_faces([own], [later, person]) == (0,)
    assert find_own_faces([own], []) is None
    assert find_own_faces([], [person]) is None
    assert find_own_faces([make_face(pictures=0)], [person]) is None
    depth = PoseSequence(person.timestamps, None, person.world, person.visibility)
    assert find_own_faces([own], [depth]) is None
    headless = np.array(person.image)
    headless[:, :11] = np.nan
    visible = np.array(person.visibility)
    visible[:, :11] = 0
    assert find_own_faces([own], [replace(person, image=headless, visibility=visible)]) is None


def test_a_face_passed_by_is_not_the_persons_own(person):
    box, away = box_around(person), (0.0, 0.0, 50.0, 50.0)
    face = make_face(box=box)
    frames = tuple(
        replace(frame, box=away if i % 3 else box) for i, frame in enumerate(face.frames)
    )
    assert find_own_faces([replace(face, frames=frames)], [person]) == ()


def test_the_answer_is_plain_json(joined):
    import json

    for face in (None, make_face()):
        answer = json.loads(json.dumps(joined("AUTHENTIC", face).to_dict()))
        assert answer["decision"] == "AUTHENTIC"
        assert answer["walk"] == "for"
        assert answer["headline"].startswith("AUTHENTIC")
