from __future__ import annotations

import pytest

from gaitproof.data.manifest import ManifestRow
from gaitproof.pipeline.scope import find_scope


def rows(people, walks):
    return [
        ManifestRow(f"p{p}/w{w}.mp4", f"p{p}", f"w{w}") for p in range(people) for w in range(walks)
    ]


@pytest.mark.parametrize(
    ("people", "walks", "training", "evaluation", "enrolled"),
    [
        (12, 5, True, True, 3),
        (12, 3, True, True, 2),
        (12, 1, False, False, 0),
        (9, 4, False, True, 3),
        (2, 4, False, False, 3),
        (1, 4, False, False, 3),
        (0, 0, False, False, 0),
    ],
)
def test_what_people_and_recordings_allow(people, walks, training, evaluation, enrolled):
    scope = find_scope(rows(people, walks), folds=5, enrolled=3)
    assert (not scope.no_training, not scope.no_evaluation) == (training, evaluation)
    assert scope.enrolled == enrolled
    assert (scope.people, scope.recordings) == (people, people * walks)


def test_reasons_name_the_numbers():
    scope = find_scope(rows(7, 3), folds=5, enrolled=3)
    assert "10 people or more (5 folds); there are 7" in scope.no_training
    assert "no error rate below" in scope.notes[0]
    assert "2 recordings instead of 3" in scope.notes[1]
    assert "there is 1" in find_scope(rows(1, 3), folds=5, enrolled=3).no_evaluation
    # a recipe with more folds takes more people
    assert "24 people" in find_scope(rows(20, 3), folds=12, enrolled=2).no_training


def test_copies_and_face_swaps_are_no_people():
    originals = rows(10, 4)
    copies = [
        ManifestRow("c.mp4", "p0~mirrored", "w0~flip1", parent="p0/w0.mp4"),
        ManifestRow("f.mp4", "x", "w0", parent="p0/w0.mp4", label="fake"),
    ]
    assert find_scope([*originals, *copies], folds=5, enrolled=3) == find_scope(
        originals, folds=5, enrolled=3
    )
