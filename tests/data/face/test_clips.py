import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.data.face.clips import FaceClip, Label, natural
from gaitproof.errors import InputError


@given(st.lists(st.integers(0, 10**6)))
def test_numbers_sort_by_value_whatever_their_length(numbers):
    names = [f"frame_{n}.png" for n in numbers]
    assert sorted(names, key=natural) == [f"frame_{n}.png" for n in sorted(numbers)]


@pytest.mark.slow
@given(st.lists(st.text(), max_size=20))
def test_any_names_can_be_sorted(names):
    ordered = sorted(names, key=natural)
    assert sorted(ordered) == sorted(names)


@pytest.mark.parametrize("path", ["../x.mp4", "/etc/passwd", "a/../../x.mp4"])
def test_paths_out_of_the_data_set_are_refused(path):
    with pytest.raises(InputError):
        FaceClip(path, Label.REAL, ("a",))


@pytest.mark.parametrize(
    "fields",
    [
        {"label": Label.REAL, "keys": ("a",), "manipulation": "swap"},
        {"label": Label.FAKE, "keys": ("a",)},
        {"label": Label.REAL, "keys": ()},
        {"label": Label.REAL, "keys": ("",)},
        {"label": Label.REAL, "keys": ("a",), "split": "tset"},
    ],
)
def test_contradictions_are_refused(fields):
    with pytest.raises(ValueError, match=r"manipulation|key|split"):
        FaceClip("x.mp4", **fields)
