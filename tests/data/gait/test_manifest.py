"""Walks from archives and manifests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sticks import walking_points
from walking import make_walk

from gaitproof.data.gait import Recording, load_recordings
from gaitproof.errors import InputError
from gaitproof.pose.formats.npz import save_npz

HEADER = "path,subject,recording,session,view,condition,parent,label\n"


def recording(times: np.ndarray, points: np.ndarray) -> Recording:
    return Recording("s", "s/0", "walk", "any", "sticks", times, points)


def test_training_paths_do_not_bridge_a_jump_in_time() -> None:
    times, points = walking_points(0, 0, seconds=6)
    times = times + np.where(np.arange(len(times)) >= 90, 5.0, 0.0)
    made = recording(times, points)
    assert [len(path) for path in made.segments] == [90, 90]
    assert len(made.windows) == 6  # three starts in either 3-second half


def test_training_paths_are_those_of_the_windows() -> None:
    times, points = walking_points(0, 0)
    points[70:80] = np.nan
    made = recording(times, points)
    assert [len(path) for path in made.segments] == [70, 70]
    assert made.windows.starts.tolist() == pytest.approx([0.0, 80 / 30])


def test_manifest(tmp_path: Path) -> None:
    track = tmp_path / "poses" / "a" / "x.mp4" / "person-0.npz"
    track.parent.mkdir(parents=True)
    save_npz(track, make_walk(seconds=3))
    (tmp_path / "poses" / "a" / "nobody.mp4").mkdir()
    manifest = tmp_path / "manifest.csv"
    rows = [
        "a/x.mp4,p0,w0,s0,30,walk,,real",
        "a/nobody.mp4,p1,w0,s0,30,walk,,real",
        "a/swap.mp4,p0,w1,s0,30,faceswap:p1,w0,fake",
    ]
    manifest.write_text(HEADER + "\n".join(rows) + "\n")
    walk, nobody = load_recordings(manifest, "made")
    assert (walk.source, walk.subject, walk.view) == ("made", "p0", "30")
    assert len(walk.windows) == 3
    assert walk.bones is not None
    assert np.isfinite(walk.bones).all()
    assert len(nobody.windows) == 0
    assert nobody.segments == []
    assert nobody.bones is None


def test_manifest_says_how_to_get_missing_poses(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(HEADER + "a/x.mp4,p0,w0,s0,30,walk,,real\n")
    with pytest.raises(InputError, match="gaitproof extract"):
        load_recordings(manifest, "made")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.csv", "path,subject\nx,y\n", "lacks the column"),
        ("walks.npz", "no archive", "not a valid skeleton archive"),
        ("walks.txt", "", "not a data set"),
    ],
)
def test_malformed_sources(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_recordings(path, "made")


def test_copies_carry_the_name_of_their_original(tmp_path: Path) -> None:
    rows = [
        "a/x.mp4,p0,w0,s0,30,walk,,real",
        "aug/x~light1.mp4,p0,w0~light1,s0,30,walk,a/x.mp4,real",
        "aug/x~flip1.mp4,p0~mirrored,w0~flip1,s0,30,walk,a/x.mp4,real",
        "aug/y~flip1.mp4,p0~mirrored,w1~flip1,s0,30,walk,a/lost.mp4,real",
    ]
    for row in rows:
        (tmp_path / "poses" / row.split(",")[0]).mkdir(parents=True)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(HEADER + "\n".join(rows) + "\n")
    walks = load_recordings(manifest, "made")
    assert [w.parent for w in walks] == ["", "w0", "w0", "a/lost.mp4"]
    assert walks[2].subject == "p0~mirrored"
