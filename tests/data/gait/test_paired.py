from __future__ import annotations

import numpy as np
import pytest
from scripted import walk
from synthetic_masks import walking_masks

from gaitproof.data.gait.load import load_paired
from gaitproof.errors import ConfigError, InputError
from gaitproof.evaluate.frozen import load_both
from gaitproof.pose.formats.npz import save_npz
from gaitproof.pose.formats.silhouette_npz import save_silhouettes
from gaitproof.types import SilhouetteSequence

LINES = (
    "path,subject,recording,view",
    "a.mp4,ann,one,left",
    "b.mp4,ann,two,left",
    "c.mp4,bob,one,",
)


@pytest.fixture
def folder(tmp_path):
    """Three videos of a manifest; in the last nobody was found."""
    (tmp_path / "manifest.csv").write_text("\n".join(LINES) + "\n")
    for name in ("a", "b", "c"):
        (tmp_path / "poses" / f"{name}.mp4").mkdir(parents=True)
    for take, name in enumerate(("a", "b")):
        track = walk(1, take=take, seconds=3.0)
        save_npz(tmp_path / "poses" / f"{name}.mp4" / "person-0.npz", track)
        masks = walking_masks(1, take, frames=len(track), rate=30)
        save_silhouettes(
            tmp_path / "poses" / f"{name}.mp4" / "person-0.silhouettes.npz",
            SilhouetteSequence.from_masks(track.timestamps, masks),
        )
    return tmp_path


@pytest.mark.parametrize("named", ["", "manifest.csv"])
def test_joints_and_masks_of_a_manifest_lie_side_by_side(folder, named):
    walks = load_paired(folder / named, "made")
    labels = [(w.subject, w.recording, w.view, w.source, w.parent) for w in walks]
    assert labels == [("ann", "one", "left", "made", ""), ("ann", "two", "left", "made", "")]
    for pair in walks:
        assert len(pair.windows) >= 1
        assert pair.windows.silhouettes.masks.any()
        assert np.abs(pair.windows.joints.features).max() > 0
        assert pair.segments[0] is pair.silhouettes.bits


def test_poses_without_masks_are_refused(folder):
    (folder / "poses" / "b.mp4" / "person-0.silhouettes.npz").unlink()
    with pytest.raises(InputError, match="no silhouettes beside"):
        load_paired(folder, "made")


def test_a_frame_rate_is_known_already(folder):
    assert [w.source for w in load_both(folder)] == [folder.stem] * 2
    with pytest.raises(ConfigError, match="its own frame rate"):
        load_both(folder, 25.0)
