"""The page on the project's five seed documents names every network that exists, and no other."""

import re
from pathlib import Path

import pytest

from gaitproof.nets.face.registry import list_face_networks
from gaitproof.nets.registry import list_networks

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reference/seeds.md").read_text("utf-8")


def first_column(header: str) -> list[str]:
    """Return the code spans in the first column of the table with this header."""
    lines = iter(PAGE.splitlines())
    next(line for line in lines if line.startswith(f"| {header} |"))
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(line.split("|")[1])
    return re.findall(r"`([^`]+)`", " ".join(rows))


@pytest.mark.parametrize(
    ("header", "networks"),
    [
        (
            "network for gait",
            [
                name
                for kind in ("joints", "silhouettes", "both", "motion")
                for name in list_networks(kind)
            ],
        ),
        ("network for faces", list_face_networks()),
    ],
)
def test_every_network_has_its_row_and_none_is_invented(header, networks):
    assert sorted(first_column(header)) == sorted(networks)


def test_recipes_that_are_named_exist():
    recipes = re.findall(r"recipes/[\w-]+\.yaml", PAGE)
    assert recipes
    assert all((ROOT / recipe).is_file() for recipe in recipes)
