"""Measures of a mouth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_talk import make_mesh

from gaitproof.face.speech.sequences import Lips


@given(scale=st.floats(0.2, 5), turn=st.floats(-1, 1), x=st.floats(-500, 500))
def test_place_size_and_tilt_of_the_head_change_nothing(scale, turn, x):
    (opening,), (width,), (jaw,) = (
        getattr(Lips.of_meshes(np.zeros(1), make_mesh(20, scale, turn, (x, x))[None]), name)
        for name in ("opening", "width", "jaw")
    )
    assert (opening, width, jaw) == pytest.approx((0.2, 0.6, 0.8))


def test_a_part_is_cut_out():
    meshes = np.stack([make_mesh(gap) for gap in range(10)])
    part = Lips.of_meshes(np.arange(10.0), meshes).between(2, 5)
    assert part.times.tolist() == [2, 3, 4]
    assert part.opening == pytest.approx([0.02, 0.03, 0.04])


@pytest.mark.parametrize(
    "wrong",
    [
        ([0, 1], [0], [0], [0]),
        ([1, 0], [0, 0], [0, 0], [0, 0]),
        ([0, 1], [0, np.nan], [0, 0], [0, 0]),
    ],
)
def test_what_is_no_mouth_over_time_is_refused(wrong):
    with pytest.raises(ValueError, match="lips"):
        Lips(*(np.array(one, float) for one in wrong))
