import hashlib

import numpy as np
import pytest
from tiny_face_model import make_card, make_weights

from gaitproof.errors import ModelError
from gaitproof.face.model import FaceDetectorCard, FaceForgeryModel
from gaitproof.modelling.face.merge import merge_image_networks

WIDE = {"size": 96, "margin": 0.1}
TIGHT = {"size": 40, "margin": 0.0}


def member(alignment, gain=4.0, grid=8, **card):
    weights = make_weights(alignment["size"], gain=gain, centre=0.4, maps=True, grid=grid)
    fields = make_card(weights, alignment=alignment, model_id=f"tiny-{alignment['size']}", **card)
    return weights, FaceDetectorCard.model_validate(fields)


@pytest.fixture(scope="module")
def wide():
    return member(WIDE)


def join(*members):
    files, cards = zip(*members, strict=True)
    return named(merge_image_networks(files, cards), cards[0])


def named(weights, card):
    digest = hashlib.sha256(weights).hexdigest()
    return FaceForgeryModel(weights, card.model_copy(update={"weights_sha256": digest}))


@pytest.fixture(scope="module")
def crops():
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), np.uint8)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def test_the_mean_is_that_of_members_whatever_they_are_normalised_by(wide, crops):
    other = member(WIDE, gain=-2.0, mean=(0.1, -0.2, 0.3), std=(0.5, 1.5, 2.0))
    wanted = [FaceForgeryModel(*one).score(crops) for one in (wide, other)]
    joined = join(wide, other)
    np.testing.assert_allclose(joined.score(crops), np.mean(wanted, axis=0), atol=1e-5)
    # one at a time, too
    np.testing.assert_allclose(joined.score(crops[:1]), np.mean(wanted, axis=0)[:1], atol=1e-5)


def test_maps_of_two_grids_become_one_of_the_same_weight(wide, crops):
    coarse = member(WIDE, grid=4)
    own = [FaceForgeryModel(*one).explain(crops) for one in (wide, coarse)]
    joined = join(wide, coarse).explain(crops)
    assert [maps.shape for maps in (*own, joined)] == [(5, 8, 8), (5, 4, 4), (5, 8, 8)]
    wanted = (own[0] + own[1].repeat(2, axis=1).repeat(2, axis=2) / 4) / 2
    np.testing.assert_allclose(joined.sum(axis=(1, 2)), wanted.sum(axis=(1, 2)), rtol=0.1)
    assert np.corrcoef(joined.ravel(), wanted.ravel())[0, 1] > 0.95


def test_a_member_that_cuts_closer_sees_its_part_of_the_crop(wide):
    crop = np.zeros((1, 96, 96, 3), np.uint8)
    crop[:, 8:88, 8:88] = 102  # what is left without the margin
    tight = member(TIGHT)
    seen = FaceForgeryModel(*tight).score(np.full((1, 40, 40, 3), 102, np.uint8))
    whole = FaceForgeryModel(*wide).score(crop)
    assert join(wide, tight).score(crop) == pytest.approx((seen + whole) / 2, abs=1e-4)
    assert abs(seen - whole) > 0.05


def test_a_member_that_sees_more_than_the_first_is_refused(wide):
    with pytest.raises(ModelError, match="tiny-96 sees more of a face than tiny-40"):
        join(member(TIGHT), wide)
