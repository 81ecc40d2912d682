import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.errors import GalleryError
from gaitproof.verify.names import MAX_NAME_LENGTH, check_name, name_key


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "Ann Müller",
        "李小龙",
        "O'Brien; DROP TABLE identities",
        "می\u200cخواهم",
        "-x",
        "a.b",
        "…",
    ],
)
def test_ordinary_names_are_kept(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        " ann",
        "ann ",
        "a\nb",
        "a\x00b",
        "a\x1b[31m",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        ".",
        "..",
        "a\u202eb",
        "a\u200bb",
        "a\u2028b",
        "\ud800",
        "x" * (MAX_NAME_LENGTH + 1),
    ],
)
def test_deceiving_names_are_refused(name):
    with pytest.raises(GalleryError) as caught:
        check_name(name)
    str(caught.value).encode()  # the message itself can be printed on one line
    assert "\n" not in str(caught.value)


def test_composed_and_decomposed_letters_are_one_name():
    assert check_name("Mu\u0308ller") == "Müller"


@pytest.mark.parametrize("other", ["ANN", "Ann", "ａｎｎ"])
def test_capitals_and_width_do_not_make_another_person(other):
    assert name_key(other) == name_key("ann")


@given(st.text())
def test_key_is_stable(name):
    assert name_key(name_key(name)) == name_key(name)
