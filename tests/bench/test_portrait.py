import numpy as np
import pytest
from drawn_faces import draw_face

from gaitproof.bench.face_scan import ClipSettings, film_portrait, move_portrait
from gaitproof.media.decode import read_frames

SHORT = ClipSettings(seconds=0.4, size=(160, 120))


def test_a_clip_has_its_length_and_size(tmp_path):
    film_portrait(draw_face()[0], tmp_path / "x.mp4", 1, SHORT)
    frames = list(read_frames(tmp_path / "x.mp4"))
    assert len(frames) == 10
    assert frames[0].image.shape == (120, 160, 3)


def test_genuine_and_twin_move_alike():
    """The same seed gives the same movement, light and noise whatever the image."""
    bright = np.full((120, 160, 3), 200, np.uint8)
    dark = np.full((120, 160, 3), 100, np.uint8)
    clips = (move_portrait(picture, 4, SHORT) for picture in (bright, dark))
    for first, second in zip(*clips, strict=True):
        ratio = first.mean() / second.mean()
        assert ratio == pytest.approx(2, abs=0.02)
    assert not np.array_equal(
        next(move_portrait(bright, 4, SHORT)), next(move_portrait(bright, 5, SHORT))
    )


def test_pictures_move_and_light_changes():
    frames = list(move_portrait(draw_face()[0], 2, ClipSettings(seconds=2, size=(160, 160))))
    means = [frame.mean() for frame in frames]
    assert np.ptp(means) > 2
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 3


@pytest.mark.parametrize("shape", [(50, 400, 3), (400, 50, 3), (10, 10, 3)])
def test_any_portrait_covers_the_frame(shape):
    picture = np.full(shape, 255, np.uint8)
    frame = next(move_portrait(picture, 0, SHORT))
    assert frame.shape == (120, 160, 3)
    assert frame.min() > 150
