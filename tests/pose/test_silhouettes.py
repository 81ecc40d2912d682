from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

from gaitproof.media.overlay import place_silhouette
from gaitproof.pose.silhouettes import (
    FrameSilhouette,
    Region,
    area_jumps,
    cut_silhouette,
    join_silhouettes,
    normalise_mask,
)

SIZE = (640, 360)


def person(centre=(300.0, 180.0), height=240.0) -> np.ndarray:
    """A frame with a body of a head, a trunk and two spread legs."""
    frame = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    x, y = centre
    u = height / 240

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round(x + u * dx), round(y + u * dy)

    cv2.circle(frame, at(0, -100), round(20 * u), 1, -1)
    cv2.ellipse(frame, at(0, -30), (round(32 * u), round(62 * u)), 0, 0, 360, 1, -1)
    for side in (-1, 1):
        cv2.line(frame, at(12 * side, 20), at(45 * side, 112), 1, round(20 * u))
    return frame


def seen_by_model(frame: np.ndarray, region: Region) -> np.ndarray:
    """What a perfect pose model says of a region: 256 by 256, by the definition of a region."""
    v, u = np.mgrid[0:256, 0:256]
    right = ((u + 0.5) / 256 - 0.5) * region.size[0]
    down = ((v + 0.5) / 256 - 0.5) * region.size[1]
    cos, sin = np.cos(region.rotation), np.sin(region.rotation)
    x = region.centre[0] + cos * right - sin * down - 0.5
    y = region.centre[1] + sin * right + cos * down - 0.5
    return cv2.remap(
        frame.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR
    )


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("rotation", [0.0, 0.3, -1.2])
@pytest.mark.parametrize(
    ("centre", "height"), [((300.0, 180.0), 240.0), ((120.5, 200.3), 150.0), ((300, 180), 300.0)]
)
def test_a_silhouette_lies_where_the_person_is(centre, height, rotation) -> None:
    frame = person(centre, height)
    region = Region((centre[0] + 5, centre[1] - 4), (1.4 * height, 1.4 * height), rotation)
    silhouette = cut_silhouette(seen_by_model(frame, region), region, SIZE)
    assert silhouette is not None
    mask = np.unpackbits(silhouette.bits).reshape(64, 44).astype(bool)
    placed = place_silhouette(mask, silhouette.corner, silhouette.height, SIZE)
    assert overlap(placed, frame > 0) > 0.93
    rows = np.flatnonzero(frame.any(axis=1))
    assert silhouette.height == pytest.approx(rows[-1] - rows[0] + 1, abs=3)
    assert (silhouette.cut, silhouette.torn) == (0, 0)
    assert silhouette.holes == 0


def test_the_share_on_the_frames_edge_is_measured() -> None:
    frame = person((4.0, 180.0))
    region = Region((4.0, 180.0), (340.0, 340.0), 0.1)
    silhouette = cut_silhouette(seen_by_model(frame, region), region, SIZE)
    assert silhouette is not None
    rows = np.flatnonzero(frame.any(axis=1))
    assert silhouette.cut == pytest.approx(frame[:, 0].sum() / (rows[-1] - rows[0] + 1), abs=0.05)


def test_what_the_model_imagines_outside_the_frame_is_left_out() -> None:
    region = Region((10.0, 180.0), (340.0, 340.0), 0.0)
    silhouette = cut_silhouette(np.ones((256, 256), np.float32), region, SIZE)
    assert silhouette is not None
    assert silhouette.corner[1] == pytest.approx(10)
    assert silhouette.height == pytest.approx(340, abs=3)
    assert silhouette.cut == pytest.approx(1, abs=0.01)


def test_holes_and_pieces_are_measured_and_only_the_largest_piece_is_kept() -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[40:240, 100:150] = 1
    mask[100:120, 110:130] = 0
    mask[60:100, 200:225] = 1
    silhouette = cut_silhouette(mask, Region((320, 180), (256, 256), 0.0), SIZE)
    assert silhouette is not None
    assert silhouette.holes == pytest.approx(400 / 10_000, abs=0.005)
    assert silhouette.torn == pytest.approx(1000 / (9600 + 1000), abs=0.005)
    assert silhouette.height == pytest.approx(200, abs=2)


@pytest.mark.parametrize(
    "region", [Region((320, 180), (256, 256), 0), Region((-400, 0), (9, 9), 0)]
)
def test_nobody_gives_no_silhouette(region: Region) -> None:
    speck = np.zeros((256, 256), np.float32)
    speck[10:14, 10:14] = 1
    assert cut_silhouette(speck, region, SIZE) is None


def test_a_mask_is_centred_on_its_median_column() -> None:
    mask = np.zeros((128, 100))
    mask[:, 10:30] = 1
    mask[60:64, 30:90] = 1
    silhouette, start = normalise_mask(mask)
    assert silhouette.shape == (64, 44)
    # half of the mass lies left of column 20 of the mask, which is 10 of the scaled one
    assert abs(start + 22 - 11) <= 1
    assert silhouette[0].any()
    assert silhouette[-1].any()


@pytest.mark.parametrize("width", [1, 7, 44, 300])
def test_masks_of_any_width_fit(width: int) -> None:
    silhouette, _ = normalise_mask(np.ones((64, width)))
    assert silhouette.any(axis=0).sum() == min(width, 44)


def frame_silhouette(height: float = 128.0) -> FrameSilhouette:
    return FrameSilhouette(np.full(352, 255, np.uint8), height, (3.0, 4.0), 0.1, 0.2, 0.3)


def test_frames_without_a_mask_stay_empty() -> None:
    times = np.arange(3) / 30
    joined = join_silhouettes(times, [frame_silhouette(), None, frame_silhouette()], "e", "ab" * 32)
    assert joined.present.tolist() == [True, False, True]
    assert joined.corner[0].tolist() == [3, 4]
    assert joined.jump[0] == 0
    assert np.isnan(joined.jump[1])
    assert joined.estimator.startswith("e+silhouettes/")


@pytest.mark.slow
def test_joining_a_long_video_needs_little_more_than_its_result() -> None:
    silhouettes = [frame_silhouette()] * 5000
    times = np.arange(len(silhouettes)) / 30
    tracemalloc.start()
    join_silhouettes(times, silhouettes, "e")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1500 * len(silhouettes)  # unpacked masks alone are 2816 bytes a frame


def test_a_sudden_change_of_area_stands_out() -> None:
    times = np.arange(40) / 30
    areas = np.exp(0.2 * times)
    areas[20] *= 0.5
    jumps = area_jumps(times, areas)
    assert jumps.argmax() == 20
    assert jumps[20] == pytest.approx(np.log(2), rel=0.1)
    assert np.delete(jumps, 20).max() < 0.06
