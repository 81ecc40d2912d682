from __future__ import annotations

import numpy as np
import pytest

from gaitproof.media.encode import VideoWriter
from gaitproof.report.people import (
    MOST_SHOWN,
    THUMBNAIL,
    draw_thumbnails,
    people_image,
    people_sheet,
)
from gaitproof.types import PoseSequence, SeenPerson

SIZE, FRAMES = (160, 120), 10
COLOURS = ((220, 30, 30), (30, 30, 220))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Write a clip whose left half is red and whose right half is blue."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:, :80], image[:, 80:] = COLOURS
    path = tmp_path_factory.mktemp("clip") / "two.mp4"
    with VideoWriter(path, 25, SIZE) as writer:
        for _ in range(FRAMES):
            writer.write(image)
    return path


def someone(left, rows=range(FRAMES)):
    image = np.full((FRAMES, 33, 2), np.nan, np.float32)
    for row in rows:
        image[row] = np.random.default_rng(row).uniform((left, 40), (left + 20, 80), (33, 2))
    seen = np.isfinite(image).all(axis=2)
    return PoseSequence(np.arange(FRAMES) / 25, image, None, seen, SIZE)


def listed(count):
    return tuple(SeenPerson(i, 0.0, 0.4, 40.0, usable=True, taken=False) for i in range(count))


def test_everybody_is_cut_out_of_their_own_place(clip):
    thumbnails = draw_thumbnails(clip, listed(2), [someone(30), someone(110)])
    assert list(thumbnails) == [0, 1]
    for number, colour in enumerate(COLOURS):
        assert thumbnails[number].shape == (*THUMBNAIL[::-1], 3)
        middle = thumbnails[number][THUMBNAIL[1] // 2, THUMBNAIL[0] // 2]
        assert np.abs(middle.astype(int) - colour).max() < 30
    sheet = people_sheet(thumbnails)
    assert sheet.shape == (THUMBNAIL[1], 2 * THUMBNAIL[0], 3)
    assert (sheet[:40, :40] == 255).any()  # the number
    picture = people_image(thumbnails)
    assert (picture.width, picture.height) == (sheet.shape[1], sheet.shape[0])
    assert "--person N" in picture.caption


def test_who_has_no_landmarks_in_the_image_has_no_thumbnail(clip):
    assert list(draw_thumbnails(clip, listed(2), [someone(30), someone(110, rows=())])) == [0]


def test_a_crowd_is_cut_short(clip):
    count = MOST_SHOWN + 3
    thumbnails = draw_thumbnails(clip, listed(count), [someone(30)] * count)
    assert len(thumbnails) == MOST_SHOWN
    assert people_sheet(thumbnails).shape == (2 * THUMBNAIL[1], 6 * THUMBNAIL[0], 3)
