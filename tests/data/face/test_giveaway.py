import numpy as np
import pytest

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.giveaway import TOGETHER, find_giveaways
from gaitproof.data.face.spacing import Footage, Sampling, Strides
from gaitproof.data.face.store import StoredClip


def clip(person, label, *, images=6, rate=25.0, seconds=10.0, spacing=0.2, take=0):
    manipulation = "original" if label is Label.REAL else "swap"
    what = FaceClip(f"{label}/{person}-{take}.mp4", label, (f"person {person}",), manipulation)
    return StoredClip("id", what, images, "", rate, seconds, spacing)


def both(people, real, fake):
    """Return a genuine and a forged clip of each person."""
    return [
        clip(person, label, **make(person))
        for person in range(people)
        for label, make in ((Label.REAL, real), (Label.FAKE, fake))
    ]


def sampled(sampling, people=40):
    """Return clips of all lengths and rates, the same for both classes, sampled in one way."""
    rng = np.random.default_rng(0)
    clips = []
    for person in range(people):
        for take, label in enumerate((Label.REAL, Label.FAKE, Label.FAKE)):
            rate = float(rng.choice([24.0, 25.0, 29.97, 30.0]))
            footage = Footage(int(rate * rng.uniform(10, 20)), rate)
            places = sampling.of(label).places(footage)
            clips.append(
                clip(
                    person,
                    label,
                    images=len(places),
                    rate=rate,
                    seconds=footage.seconds,
                    spacing=float(np.median(np.diff(places)) / rate),
                    take=take,
                )
            )
    return clips


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(frames=16, rate=5)])
def test_clips_that_are_sampled_alike_give_nothing_away(sampling):
    giveaways = find_giveaways(sampled(sampling))
    assert giveaways.telling == ()
    assert all(abs(value - 0.5) < 0.15 for value in giveaways.auc.values())


def test_the_sampling_of_face_seed_2_is_the_label():
    giveaways = find_giveaways(sampled(Sampling(frames=200, by_label=Strides(real=30, fake=60))))
    assert giveaways.auc["the time between images"] > 0.99
    assert giveaways.auc["the number of images"] > 0.9
    assert giveaways.auc["the length of the clip"] < 0.65
    assert giveaways.telling[0] in ("the time between images", TOGETHER)


def test_what_is_all_the_same_is_chance_however_many_of_each():
    clips = [clip(0, Label.REAL)] + [clip(person, Label.FAKE) for person in range(1, 30)]
    clips += [clip(person, Label.REAL, take=1) for person in range(5)]
    giveaways = find_giveaways(clips)
    assert set(giveaways.auc.values()) == {0.5}


def test_a_frame_rate_between_the_others_is_found():
    # forgers write every video at 25 per second; no single threshold tells that
    giveaways = find_giveaways(
        both(20, lambda person: {"rate": (24.0, 30.0)[person % 2]}, lambda _: {"rate": 25.0})
    )
    assert giveaways.auc["the frame rate"] == 1
    assert "the frame rate" in giveaways.telling


def test_videos_and_pictures_are_told_apart():
    giveaways = find_giveaways(
        both(20, lambda _: {}, lambda _: {"rate": None, "seconds": None, "spacing": None})
    )
    assert giveaways.auc["the frame rate"] == giveaways.auc["the length of the clip"] == 1


def test_differences_below_one_per_cent_and_few_clips_are_no_finding():
    def real(person):
        return {"seconds": 10 + 0.001 * person}

    assert find_giveaways(both(20, real, lambda _: {"seconds": 10.02})).telling == ()
    few = find_giveaways(both(3, lambda _: {"seconds": 5.0}, lambda _: {"seconds": 9.0}))
    assert few.auc["the length of the clip"] == 1
    assert few.telling == ()


def test_one_class_or_one_person_says_nothing():
    assert find_giveaways([clip(0, Label.REAL), clip(1, Label.REAL)]).telling == ()
    one = find_giveaways(both(1, lambda _: {}, lambda _: {"seconds": 3.0}))
    assert one.to_dict() == {"auc": {}, "found": []}
