import pytest

from gaitproof import errors
from gaitproof.errors import GaitproofError, InputError


@pytest.mark.parametrize(
    ("name", "parent"),
    [
        ("InputError", GaitproofError),
        ("MediaError", InputError),
        ("PoseError", InputError),
        ("GalleryError", InputError),
        ("ConfigError", InputError),
        ("ModelError", GaitproofError),
        ("DependencyError", GaitproofError),
    ],
)
def test_family(name, parent):
    assert issubclass(getattr(errors, name), parent)


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({}, "It broke."),
        ({"expected": "3"}, "It broke. Expected: 3."),
        ({"actual": "4", "hint": "mend it"}, "It broke. Found: 4. Try: mend it."),
        (
            {"expected": "3", "actual": "4", "hint": "mend it"},
            "It broke. Expected: 3. Found: 4. Try: mend it.",
        ),
    ],
)
def test_what_is_said(details, text):
    assert str(GaitproofError("It broke.", **details)) == text
