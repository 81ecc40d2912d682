"""What a player draws fits the frames it is drawn over."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scripted import FRAME_SIZE, walk

from gaitproof.report import player
from gaitproof.report.player import describe_player
from gaitproof.text import json_text
from gaitproof.types import Landmark, SeenPerson, SilhouetteSequence


def examined(*tracks, silhouettes=()):
    people = tuple(SeenPerson(i, 0.0, 1.0, 400.0, True, i == 0) for i in range(len(tracks)))
    return SimpleNamespace(
        everybody=tracks, silhouettes=silhouettes, verdict=SimpleNamespace(people=people)
    )


def test_points_are_those_of_the_frames():
    one, other = walk(1, seconds=1.0), walk(2, seconds=2.0)
    drawn = describe_player(examined(one, other))
    assert drawn["size"] == FRAME_SIZE
    assert [person["taken"] for person in drawn["people"]] == [True, False]
    first = drawn["people"][0]
    assert first["times"] == pytest.approx(one.timestamps, abs=1e-3)
    joint = drawn["joints"].index("left_ankle")
    x, y = first["points"][7][2 * joint : 2 * joint + 2]
    assert (x, y) == pytest.approx(one.image[7, Landmark.LEFT_ANKLE], abs=0.06)
    assert all(max(a, b) < len(drawn["joints"]) for a, b, _ in drawn["lines"])
    assert json_text(drawn)


def test_nobody_is_nothing_to_draw():
    drawn = describe_player(examined())
    assert (drawn["size"], drawn["people"], drawn["outlines"]) == (None, [], [])


def test_long_videos_are_thinned(monkeypatch):
    monkeypatch.setattr(player, "MAX_FRAMES", 30)
    drawn = describe_player(examined(walk(1, seconds=2.0), walk(2, seconds=2.0)))
    assert sum(len(person["times"]) for person in drawn["people"]) <= 30


def test_an_outline_lies_around_the_mask():
    masks = np.zeros((2, 64, 44), bool)
    masks[1, 10:50, 12:30] = True
    sequence = SilhouetteSequence.from_masks(
        [0.0, 0.5], masks, corner=[[0, 0], [100, 50]], height=[128, 128]
    )
    (outline,) = describe_player(examined(silhouettes=(sequence,)))["outlines"]
    assert outline["times"] == [0.5]
    shape = np.reshape(outline["shapes"][0], (-1, 2))
    assert shape.min(axis=0) == pytest.approx([100 + 2 * 12, 50 + 2 * 10], abs=1.1)
    assert shape.max(axis=0) == pytest.approx([100 + 2 * 30, 50 + 2 * 50], abs=1.1)
