from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaitproof.errors import PoseError
from gaitproof.types import SilhouetteSequence
from gaitproof.types.silhouette import FRAME_FIGURES, pack_masks


def silhouettes(n=4, **figures):
    masks = np.zeros((n, 64, 44), bool)
    masks[:, :, 20:24] = True
    given = dict.fromkeys(("holes", "torn", "cut", "jump"), np.zeros(n))
    given["height"] = np.full(n, 128.0)
    return SilhouetteSequence.from_masks(np.arange(n) / 25, masks, **(given | figures))


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamps": [0.0, 0.04, 0.04, 0.12]},
        {"timestamps": [0.0, 0.04, np.nan, 0.12]},
        {"timestamps": [[0.0, 0.04, 0.08, 0.12]]},
        {"bits": np.ones((4, 351), np.uint8)},
        {"bits": np.ones((3, 352), np.uint8)},
        {"bits": np.ones((4, 352), np.int64)},
        {"height": np.zeros(4)},
        {"height": np.full(4, np.inf)},
        {"height": np.full(5, 128.0)},
        {"corner": np.zeros(4)},
        {"cut": np.full(4, 1.1)},
        {"holes": np.full(4, -0.1)},
        {"torn": np.full(4, 2.0)},
        {"jump": np.full(4, -1.0)},
        # no masks, but figures
        {"bits": np.zeros((4, 352), np.uint8)},
    ],
)
def test_malformed_silhouettes_are_refused(changes):
    with pytest.raises(PoseError):
        replace(silhouettes(), **changes)


@pytest.mark.slow
@given(arrays(bool, (3, 64, 44)))
def test_packing_keeps_every_bit(masks):
    sequence = SilhouetteSequence.from_masks(np.arange(3), masks)
    assert (sequence.masks == masks).all()
    assert (sequence.present == masks.any(axis=(1, 2))).all()


def test_masks_of_grey_values_are_the_person_wherever_not_black():
    grey = np.zeros((1, 64, 44), np.uint8)
    grey[0, 3, 5], grey[0, 3, 6] = 1, 255
    assert np.unpackbits(pack_masks(grey)).sum() == 2


@pytest.mark.parametrize("shape", [(64, 44), (2, 44, 64), (2, 64, 44, 1)])
def test_masks_of_another_shape_are_refused(shape):
    with pytest.raises(PoseError, match="shape"):
        pack_masks(np.zeros(shape))


def test_figures_of_empty_frames_become_nan():
    masks = np.zeros((2, 64, 44), bool)
    masks[1, 10, 10] = True
    sequence = SilhouetteSequence.from_masks([0, 1], masks, height=[100, 120])
    assert np.isnan(sequence.height[0])
    assert sequence.height[1] == 120
    assert np.isnan(sequence.corner).all()


def test_an_unknown_figure_is_refused():
    with pytest.raises(TypeError, match="girth"):
        silhouettes(girth=np.zeros(4))


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_slice_holds_the_same_frames_of_everything(start, stop):
    sequence = silhouettes(6, height=np.arange(1.0, 7.0))
    part = sequence.slice(start, stop)
    assert len(part) == max(0, stop - start)
    for name in ("timestamps", "bits", *FRAME_FIGURES):
        expected = getattr(sequence, name)[start:stop]
        np.testing.assert_array_equal(getattr(part, name), expected)


def test_the_arrays_cannot_be_written():
    sequence = silhouettes()
    for name in ("timestamps", "bits", *FRAME_FIGURES):
        with pytest.raises(ValueError, match="read-only"):
            getattr(sequence, name)[0] = 0


def test_an_empty_sequence_is_falsy():
    assert not silhouettes().slice(0, 0)
    assert silhouettes().slice(0, 0).frame_rate == 0
    assert silhouettes().frame_rate == pytest.approx(25)
