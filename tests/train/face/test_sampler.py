from collections import Counter

import numpy as np
import pytest
import torch
from drawn_stores import drawn_store, paint
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.sampler import FaceSampler, FaceStream, retime, validation_batches

SMALL = AlignmentSettings(size=48, margin=0.1)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("labelled"), 8, 5, change=paint)


def recipe(**changes):
    return FaceTrainSettings(**{"alignment": SMALL, "batch": 10, **changes})


@pytest.mark.slow
@pytest.mark.parametrize("forgeries", ["self-blended", "labelled", "both"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_batch_has_the_share_of_forgeries_it_is_asked_for(labelled, forgeries, share):
    settings = recipe(forgeries=forgeries, forged_share=share)
    batch = FaceSampler([labelled], "train", settings).draw(np.random.default_rng(0), 10)
    counts = Counter(batch.labels.tolist())
    assert counts == {FORGED: round(10 * share), GENUINE: 10 - round(10 * share)}
    assert batch.crops.shape == (10, 1, 48, 48, 3)
    assert batch.present.all()


def test_the_blend_is_known_for_self_blended_faces_only(labelled):
    settings = recipe(forgeries="both")
    batch = FaceSampler([labelled], "train", settings).draw(np.random.default_rng(0), 10)
    unknown = batch.blend.isnan().flatten(1).any(dim=1)
    assert int(unknown.sum()) == 2
    assert (batch.labels[unknown] == FORGED).all()
    blended = (batch.labels == FORGED) & ~unknown
    assert (batch.blend[blended].flatten(1).amax(dim=1) > 0).all()
    assert (batch.blend[batch.labels == GENUINE] == 0).all()


@pytest.mark.parametrize(("frames", "expected"), [(1, 4 * 5), (2, 4 * 3), (16, 4)])
def test_an_epoch_shows_every_genuine_picture_once_with_a_forged_one(labelled, frames, expected):
    assert FaceSampler([labelled], "train", recipe(frames=frames)).segments == 2 * expected


def test_short_clips_are_masked_and_never_repeated(tmp_path):
    store = drawn_store(tmp_path, 4, 3)
    batch = FaceSampler([store], "train", recipe(frames=5, batch=4)).draw(
        np.random.default_rng(1), 4
    )
    assert batch.present.tolist() == [[True] * 3 + [False] * 2] * 4
    assert (batch.crops[:, 3:] == 0).all()
    assert (batch.crops[:, :3].flatten(2).float().std(dim=2) > 0).all()


def test_the_pictures_of_a_clip_are_cut_alike(tmp_path, monkeypatch):
    from gaitproof.train.face.robust import Damage

    monkeypatch.setattr(Damage, "draw", classmethod(lambda cls, rng: cls()))
    store = drawn_store(tmp_path, 4, 4)
    sampler = FaceSampler([store], "train", recipe(frames=4, batch=4))
    batch = sampler.draw(np.random.default_rng(1), 4)
    for clip, label in zip(batch.crops.float(), batch.labels, strict=True):
        if label == GENUINE:
            # only the sensor's noise differs between the images of a drawn clip
            assert float((clip[1:] - clip[:1]).abs().mean()) < 8


@pytest.mark.slow
def test_every_step_can_be_drawn_again_and_workers_share_them_out(labelled):
    settings = recipe()
    sampler = FaceSampler([labelled], "train", settings)
    stream = FaceStream(sampler, settings, 0, 6)
    whole = list(stream)
    later = list(FaceStream(sampler, settings, 4, 6))
    for first, second in zip(whole[4:], later, strict=True):
        assert torch.equal(first.crops, second.crops)
    loader = torch.utils.data.DataLoader(stream, batch_size=None, num_workers=2)
    for first, second in zip(whole, loader, strict=True):
        assert torch.equal(first.crops, second.crops)
    assert not torch.equal(whole[0].crops, whole[1].crops)


def test_validation_sees_its_own_people_alone(labelled):
    settings = recipe(batch=4)
    sampler = FaceSampler([labelled], "validation", settings)
    assert {stored.clip.keys for _, stored in sampler.genuine} == {("person 1",), ("person 5",)}
    batches = validation_batches(sampler, settings)
    assert len(batches) == 5
    again = validation_batches(sampler, settings)
    assert torch.equal(batches[0].crops, again[0].crops)


def test_what_is_missing_is_said(tmp_path):
    genuine = drawn_store(tmp_path, 4)
    with pytest.raises(ConfigError, match="no forged faces for train"):
        FaceSampler([genuine], "train", recipe(forgeries="labelled"))
    with pytest.raises(ConfigError, match="no genuine faces for train"):
        FaceSampler([], "train", recipe())
    settings = recipe(batch=4)
    sampler = FaceSampler([genuine], "train", settings)
    with pytest.raises(ConfigError, match="two clips per batch"):
        FaceStream(sampler, settings, 0, 1, 0, 4)


def test_an_eased_run_damages_and_films_more_and_more(labelled, monkeypatch):
    shares = []
    monkeypatch.setattr(
        FaceSampler,
        "draw",
        lambda self, rng, size: shares.append((self.settings.damaged, self.settings.filmed)),
    )
    settings = recipe(damaged=0.8, filmed=0.4, ease=0.5)
    stream = FaceStream(FaceSampler([labelled], "train", settings), settings, 0, 8)
    for step in range(8):
        assert stream[step] is None
    assert shares[0] == (pytest.approx(0.2), pytest.approx(0.1))
    assert shares == sorted(shares)
    assert shares[4:] == [(0.8, 0.4)] * 4
    # only what a step is drawn with: the validation is not eased
    assert stream._sampler.settings is settings


@pytest.mark.parametrize("structural", [0.0, 1.0])
def test_faces_of_others_are_read_for_structural_forgeries_alone(labelled, structural, monkeypatch):
    donors = []
    monkeypatch.setattr(
        "gaitproof.train.face.sampler.draw_pair",
        lambda picture, *rest, donor=None, **how: donors.append(donor) or (None, None),
    )
    sampler = FaceSampler([labelled], "train", recipe(structural=structural))
    for seed in range(6):
        sampler.cut_genuine(sampler.genuine[0], [0], seed)
    assert [donor is not None for donor in donors] == [structural > 0] * 6
    if structural:
        assert len({donor.image.tobytes() for donor in donors}) > 1


@given(st.integers(0, 5), st.integers(2, 6), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_a_retimed_clip_repeats_or_leaves_out_one_picture(first, count, after, seed):
    places, pictures = list(range(first, first + count)), first + count + after
    retimed = retime(places, pictures, np.random.default_rng(seed))
    assert len(retimed) == count
    assert min(retimed) >= 0
    assert max(retimed) < pictures
    steps = sorted(np.diff(retimed).tolist())
    assert steps in ([0, *[1] * (count - 3), 2], [0, *[1] * (count - 2)], [*[1] * (count - 2), 2])


@pytest.mark.slow
def test_retimed_forgeries_are_the_genuine_clip_at_other_times(tmp_path, monkeypatch):
    store = drawn_store(tmp_path, 4, 6)
    sampler = FaceSampler([store], "train", recipe(frames=4, batch=4, retimed=1.0))
    for seed in range(12):
        pairs = sampler.cut_genuine(sampler.genuine[0], [1, 2, 3, 4], seed)
        whole = sampler.cut_genuine(sampler.genuine[0], range(6), seed)
        own = [pair[GENUINE].image.tobytes() for pair in whole]
        taken = [own.index(pair[FORGED].image.tobytes()) for pair in pairs]
        assert [own.index(pair[GENUINE].image.tobytes()) for pair in pairs] == [1, 2, 3, 4]
        assert taken != [1, 2, 3, 4]
        assert sorted(taken) == taken


def test_one_picture_cannot_be_retimed():
    with pytest.raises(ValueError, match="several images together"):
        recipe(retimed=0.5)
