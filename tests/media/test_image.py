from __future__ import annotations

import numpy as np
import pytest
from av.video.reformatter import ColorTrc

from gaitproof.media._image import tone_map, upright
from gaitproof.media._values import square_size

PQ, HLG = int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)


def mapped(code: float, transfer: int) -> int:
    """Return the gray value that a gray HDR code value becomes."""
    image = np.full((2, 2, 3), round(code * 65535), np.uint16)
    result = tone_map(image, transfer)
    assert np.ptp(result.astype(int)) <= 3  # gray stays gray
    return int(result[0, 0, 1])


@pytest.mark.parametrize(
    ("transfer", "code"),
    [(PQ, 0.58), (HLG, 0.75)],  # 203 cd/m², ITU-R BT.2408 table 1
)
def test_reference_white_is_nearly_white(transfer: int, code: float) -> None:
    assert 225 <= mapped(code, transfer) <= 245


def test_both_curves_agree_on_the_same_light() -> None:
    # BT.2408 table 1: 18 % gray is 38 % in HLG and in PQ
    assert abs(mapped(0.38, PQ) - mapped(0.38, HLG)) <= 12
    assert 90 <= mapped(0.38, HLG) <= 140


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_curve_rises_from_black_to_white(transfer: int) -> None:
    values = [mapped(code, transfer) for code in np.linspace(0, 1, 40)]
    assert values[0] == 0
    assert values[-1] == 255
    assert (np.diff(values) >= 0).all()


def test_saturated_colours_of_the_wide_gamut_stay_in_range() -> None:
    red = np.zeros((1, 1, 3), np.uint16)
    red[..., 0] = 50000
    image = tone_map(red, HLG)
    assert image[0, 0, 0] > 200
    assert image[0, 0, 1] == 0


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (None, (720, 576)),
        (0.0, (720, 576)),
        (16 / 15, (768, 576)),
        (0.5, (720, 1152)),
        (1e9, (720, 576)),
    ],
)
def test_square_size(aspect: float | None, size: tuple[int, int]) -> None:
    assert square_size(720, 576, aspect) == size


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), [[1, 2], [3, 4], [5, 6]]),
        ((-1, 0, 0, 1), [[2, 1], [4, 3], [6, 5]]),  # mirrored, as some selfie cameras store
        ((-1, 0, 0, -1), [[6, 5], [4, 3], [2, 1]]),
        ((0, -1, 1, 0), [[2, 4, 6], [1, 3, 5]]),  # a quarter turn counterclockwise
        ((0, 1, -1, 0), [[5, 3, 1], [6, 4, 2]]),
    ],
)
def test_upright(matrix: tuple[int, int, int, int], expected: list[list[int]]) -> None:
    image = np.array([[1, 2], [3, 4], [5, 6]], np.uint8)[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(upright(image, matrix)[..., 0], expected)
