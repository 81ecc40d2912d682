import hashlib

import numpy as np
import pytest
import torch
from drawn_faces import draw_face
from torch import nn

from gaitproof.errors import ModelError
from gaitproof.face.align import AlignmentSettings, align
from gaitproof.face.model import MAPS, FaceDetectorCard, FaceForgeryModel
from gaitproof.train.export import export_onnx
from gaitproof.train.face.merge import halve_storage, merge_picture_networks
from gaitproof.train.face.networks.base import PictureNetwork
from gaitproof.train.face.networks.cam import WithMap

pytestmark = pytest.mark.slow

RATE = {"value": 0.1, "low": 0.0, "high": 0.3}
POINT = {"threshold": 0.5, "low": 0.4, "high": 0.6, "chosen_by": "hand"}
WIDE = AlignmentSettings(size=64, margin=0.1)
TIGHT = AlignmentSettings(size=40, margin=0.0)


class Tiny(PictureNetwork):
    """One convolution: quick to export."""

    def __init__(self, stride, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Conv2d(3, 32, stride, stride)
        self.head = nn.Linear(32, 2)

    def features(self, crops):
        """Return maps (N, 32, S / stride, S / stride)."""
        return self.body(crops).tanh()


def member(stride, seed, alignment, **card):
    file = export_onnx(
        WithMap(Tiny(stride, seed)),
        (torch.zeros(2, 3, alignment.size, alignment.size),),
        ("crops",),
        ("logits", MAPS),
    )
    return file, make_card(file, alignment, model_id=f"tiny-{seed}", **card)


def make_card(file, alignment, **card):
    return FaceDetectorCard(
        limits="none",
        architecture="tiny",
        weights_sha256=hashlib.sha256(file).hexdigest(),
        detector="drawn 1",
        alignment=alignment,
        operating_point=POINT | {"false_real": RATE, "false_fake": RATE},
        data=(),
        protocol="none",
        figures={},
        licence="none",
        trained_on="2026-11-30",
        **card,
    )


@pytest.fixture(scope="module")
def members():
    return (
        member(8, 1, WIDE),
        member(16, 2, WIDE, mean=(127 / 255,) * 3, std=(128 / 255,) * 3),
        member(8, 3, TIGHT, mean=(0.5, 0.4, 0.3)),
    )


def join(members, halve=False):
    files, cards = zip(*members, strict=True)
    weights = merge_picture_networks(files, cards)
    weights = halve_storage(weights) if halve else weights
    digest = hashlib.sha256(weights).hexdigest()
    return weights, FaceForgeryModel(
        weights, cards[0].model_copy(update={"weights_sha256": digest})
    )


def cut(alignment):
    faces = (draw_face(seed, 320) for seed in range(5))
    return np.stack([align(image, points[:5], alignment) for image, points in faces])


def test_the_mean_is_that_of_the_members_whatever_they_are_normalised_by(members):
    _, joined = join(members[:2])
    crops = cut(WIDE)
    wanted = [FaceForgeryModel(*one).score(crops) for one in members[:2]]
    np.testing.assert_allclose(joined.score(crops), np.mean(wanted, axis=0), atol=1e-5)
    # one at a time, too
    np.testing.assert_allclose(joined.score(crops[:1]), np.mean(wanted, axis=0)[:1], atol=1e-5)


def test_maps_of_two_grids_become_one_of_the_same_weight(members):
    _, joined = join(members[:2])
    crops = cut(WIDE)
    own = [FaceForgeryModel(*one).explain(crops) for one in members[:2]]
    found = joined.explain(crops)
    assert found.shape == own[0].shape == (5, 8, 8)
    assert own[1].shape == (5, 4, 4)
    wanted = np.mean([maps.sum(axis=(1, 2)) for maps in own], axis=0)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), wanted, rtol=0.1)


def test_a_member_that_cuts_closer_sees_its_part_of_the_crop(members):
    _, joined = join((members[0], members[2]))
    wide = FaceForgeryModel(*members[0]).score(cut(WIDE))
    tight = FaceForgeryModel(*members[2]).score(cut(TIGHT))
    np.testing.assert_allclose(joined.score(cut(WIDE)), (wide + tight) / 2, atol=0.02)
    # and not just anything
    assert np.abs(wide - tight).max() > 0.1


def test_a_member_that_sees_more_than_the_first_is_refused(members):
    with pytest.raises(ModelError, match="tiny-1 sees more of a face than tiny-3"):
        join((members[2], members[0]))


def test_weights_take_half_the_room_and_answer_alike(members):
    (whole, exact), (half, joined) = (join(members[:2], halve) for halve in (False, True))
    assert len(half) < 0.6 * len(whole)
    crops = cut(WIDE)
    np.testing.assert_allclose(joined.score(crops), exact.score(crops), atol=1e-3)
