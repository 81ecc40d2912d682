import cv2
import numpy as np
import pytest
from drawn_faces import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.train.face.structural import (
    PARTS,
    Donor,
    fit_donor,
    match_colours,
    part_mask,
    structural_blend,
)

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.slow
@given(SEEDS, st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_forgery_differs_inside_the_mask_alone(seed, with_donor):
    image, landmarks = draw_face(0)
    donor = Donor(*draw_face(1)) if with_donor else None
    made = [
        structural_blend(image, landmarks, landmarks[:5], np.random.default_rng(seed), donor)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(made[0].forged, made[1].forged)
    np.testing.assert_array_equal(made[0].genuine, image)
    assert np.array_equal(made[0].forged[made[0].mask == 0], image[made[0].mask == 0])
    assert (made[0].forged != image).any()
    assert 0 <= made[0].mask.min() < made[0].mask.max() <= 1


def test_parts_lie_in_the_face_and_all_are_drawn():
    image, landmarks = draw_face(0)
    centres = []
    for seed in range(60):
        mask = part_mask(image.shape, landmarks[:5], np.random.default_rng(seed))
        rows, columns = np.nonzero(mask)
        assert np.abs(columns.mean() - landmarks[2, 0]) < np.ptp(landmarks[:2, 0])
        centres.append(rows.mean())
    eyes, mouth = landmarks[0, 1], landmarks[3, 1]
    places = np.unique(np.round((np.array(centres) - eyes) / (mouth - eyes), 1))
    wanted = {round(down, 1) for _, down, _, _ in PARTS.values()}
    assert {min(places, key=lambda place: abs(place - one)) for one in wanted} <= set(places)
    assert places.min() < -0.2
    assert places.max() > 0.9


def test_a_turned_face_is_brought_back_in_place():
    image, landmarks = draw_face(2)
    matrix = cv2.getRotationMatrix2D((120, 120), 20, 0.9)
    turned = cv2.warpAffine(image, matrix, (240, 240), borderMode=cv2.BORDER_REFLECT)
    moved = landmarks @ matrix[:, :2].T + matrix[:, 2]
    fitted = fit_donor(Donor(turned, moved), landmarks, image.shape)
    low, high = landmarks.min(axis=0).astype(int), landmarks.max(axis=0).astype(int)
    face = (slice(low[1], high[1]), slice(low[0], high[0]))
    before = np.abs(turned[face].astype(float) - image[face]).mean()
    after = np.abs(fitted[face].astype(float) - image[face]).mean()
    assert after < 0.5 * before


def test_what_one_similarity_cannot_bring_in_place_is_bent():
    image, landmarks = draw_face(3)
    wider = landmarks.copy()
    wider[:, 0] = 120 + 1.15 * (wider[:, 0] - 120)
    fitted = fit_donor(Donor(image, landmarks), wider, image.shape)
    wanted = cv2.warpAffine(image, np.array([(1.15, 0, -18), (0, 1, 0)]), (240, 240))
    plain = np.abs(image[60:180, 60:180].astype(float) - wanted[60:180, 60:180]).mean()
    assert (
        np.abs(fitted[60:180, 60:180].astype(float) - wanted[60:180, 60:180]).mean() < 0.7 * plain
    )


@pytest.mark.parametrize("shift", [(-30, 10, 40), (0, 0, 0)])
def test_a_part_gets_the_colours_of_its_place(shift):
    image, _ = draw_face(4)
    mask = np.zeros(image.shape[:2], np.float32)
    mask[80:160, 80:160] = 1
    other = (0.8 * image + 20 + np.array(shift)).clip(0, 255).astype(np.uint8)
    matched = match_colours(other, image, mask)[mask > 0]
    np.testing.assert_allclose(matched.mean(axis=0), image[mask > 0].mean(axis=0), atol=2)
    np.testing.assert_array_equal(match_colours(other, image, 0 * mask), other)
