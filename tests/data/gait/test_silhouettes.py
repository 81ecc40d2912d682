from __future__ import annotations

import numpy as np
import pytest
from synthetic_masks import walking_masks, write_archive

from gaitproof.data.gait.silhouettes import load_silhouettes
from gaitproof.errors import InputError


def test_an_archive_gives_every_walk_with_its_labels(tmp_path):
    walks = load_silhouettes(write_archive(tmp_path / "made.npz", 2), "made")
    assert len(walks) == 2 * 4 * 2
    one = walks[9]
    assert (one.subject, one.recording, one.condition, one.view) == (
        "001",
        "001/nm-01",
        "nm",
        "090",
    )
    assert (one.sequence.masks == walking_masks(1, 1)).all()
    assert len(one.windows) == 2


def test_a_walk_of_unknown_rate_counts_as_25(tmp_path):
    path = write_archive(tmp_path / "made.npz", 1, fps=np.full(8, np.nan, np.float32))
    assert load_silhouettes(path, "made")[0].frame_rate == 25


@pytest.mark.parametrize(
    "changes",
    [
        {"bits": np.zeros((480, 351), np.uint8)},
        {"bits": np.zeros((480, 352), bool)},
        {"offsets": np.arange(9) * 50},
        {"subject": np.array(["a"])},
        {"fps": np.zeros(8)},
        {"shape": np.array([44, 64])},
    ],
)
def test_what_is_no_such_archive_is_refused(tmp_path, changes):
    path = write_archive(tmp_path / "made.npz", 1, **changes)
    with pytest.raises(InputError, match="not a valid silhouette archive"):
        load_silhouettes(path, "made")
