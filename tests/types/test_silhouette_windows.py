from __future__ import annotations

import numpy as np
import pytest

from gaitproof.errors import PoseError
from gaitproof.types.silhouette_windows import SilhouetteWindows


def test_masks_are_the_bits_unpacked():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (2, 50, 64, 44), dtype=np.uint8)
    windows = SilhouetteWindows(np.packbits(masks.reshape(2, 50, -1), axis=2), np.arange(2.0))
    assert (windows.masks == masks).all()
    assert len(windows.select(np.array([False, True]))) == 1
    assert windows.tobytes() != windows.select(np.array([1, 0])).tobytes()
    with pytest.raises(ValueError, match="read-only"):
        windows.bits[0] = 0


@pytest.mark.parametrize(
    ("bits", "starts"),
    [
        (np.zeros((1, 49, 352), np.uint8), np.zeros(1)),
        (np.zeros((1, 50, 351), np.uint8), np.zeros(1)),
        (np.zeros((1, 50, 352), np.uint8), np.zeros(2)),
        (np.zeros((1, 50, 352), np.uint8), np.array([np.nan])),
    ],
)
def test_what_does_not_fit_is_refused(bits, starts):
    with pytest.raises(PoseError):
        SilhouetteWindows(bits, starts)


def test_no_windows_are_falsy():
    assert not SilhouetteWindows.empty()
