"""Which reader a file or folder gets, and damaged archives."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sticks import walking_points

from gaitproof.data.gait import load_recordings
from gaitproof.errors import ConfigError, InputError

NAMES = ("shoulder", "hip", "knee", "ankle", "heel", "foot_index")
JOINTS = [f"{side}_{name}" for name in NAMES for side in ("left", "right")]


def arrays(**changes: Any) -> dict[str, Any]:
    import json

    points = np.concatenate([walking_points(0, walk, 3)[1] for walk in range(2)])
    return {
        "xyz": points.astype(np.float32),
        "offsets": np.array([0, 90, 180]),
        "subject": np.array(["a", "b"]),
        "sequence": np.array(["0", "0"]),
        "condition": np.array(["walk", "walk"]),
        "view": np.array(["any", "any"]),
        "fps": np.array([30.0, 30.0]),
        "joints": np.array(JOINTS),
        "landmark12": np.array(json.dumps({name: name for name in JOINTS})),
        **changes,
    }


def archive(path: Path, **changes: Any) -> Path:
    np.savez(path, **{k: v for k, v in arrays(**changes).items() if v is not None})
    return path


def test_archive(tmp_path: Path) -> None:
    first, second = load_recordings(archive(tmp_path / "a.npz"), "made")
    assert (first.subject, second.subject) == ("a", "b")
    assert len(first.windows) == 3
    assert not first.flat


def test_sequences_without_a_frame_rate_are_left_out(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", fps=np.array([np.nan, 30.0]))
    assert [w.subject for w in load_recordings(path, "made")] == ["b"]


@pytest.mark.parametrize(
    "changes",
    [
        {"offsets": np.array([0, 90])},
        {"offsets": np.array([0, 200, 180])},
        {"offsets": np.array([0, 10**12])},
        {"offsets": np.array([0.0, 90.5, 180.0])},
        {"offsets": np.array([-5, 90, 180])},
        {"fps": np.array([0.0, 30.0])},
        {"fps": np.array(["fast", "slow"])},
        {"fps": np.array([30.0])},
        {"subject": np.array("a")},
        {"subject": np.array(["a", None], dtype=object)},
        {"xyz": np.zeros((180, 12))},
        {"xyz": np.zeros((180, 11, 3), np.float32)},
        {"landmark12": np.array("[1]")},
        {"landmark12": np.array("{")},
        {"landmark12": np.array('{"left_hip": "tail"}')},
        {"landmark12": np.array('{"left_hip": "left_hip"}')},
        {"joints": None},
        {"scale": np.array(np.nan)},
    ],
)
def test_malformed_archives(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not a valid skeleton archive"):
        load_recordings(archive(tmp_path / "a.npz", **changes), "made")


def test_truncated_archives(tmp_path: Path) -> None:
    data = archive(tmp_path / "a.npz").read_bytes()
    for share in (0.0, 0.3, 0.9, 0.999):
        (tmp_path / "a.npz").write_bytes(data[: int(share * len(data))])
        with pytest.raises(InputError, match="not a valid skeleton archive"):
            load_recordings(tmp_path / "a.npz", "made")


def test_an_array_that_claims_a_terabyte_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (10**11, 3, 1)}
    np.lib.format.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("xyz.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(InputError, match="claims 1200000000000 bytes"):
        load_recordings(path, "made")


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of these"):
        load_recordings(tmp_path, "made")
    archive(tmp_path / "a.npz")
    archive(tmp_path / "b.npz", subject=np.array(["c", "d"]))
    assert [w.subject for w in load_recordings(tmp_path, "made")] == ["a", "b", "c", "d"]
    archive(tmp_path / "again.npz")
    with pytest.raises(InputError, match="twice"):
        load_recordings(tmp_path, "made")
    (tmp_path / "x.bvh").write_text("")
    with pytest.raises(InputError, match=r"kinds \.npz, \.bvh"):
        load_recordings(tmp_path, "made")


def test_a_folder_with_a_manifest_is_that_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,subject,recording\nx.mp4,a,0\n")
    archive(tmp_path / "a.npz")
    with pytest.raises(InputError, match="has no poses"):
        load_recordings(tmp_path, "made")


@pytest.mark.parametrize("name", ["no", "x.mat", "no.npz", "no.csv", "no.amc", "a/b/c/no.pkl"])
def test_missing_and_unknown_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_recordings(tmp_path / name, "made")
    (tmp_path / "there.mat").touch()
    with pytest.raises(InputError, match="is not a data set"):
        load_recordings(tmp_path / "there.mat", "made")


@pytest.mark.parametrize("name", ["a.npz", "b.bvh", "manifest.csv", ""])
def test_files_that_state_their_frame_rate_take_none(tmp_path: Path, name: str) -> None:
    archive(tmp_path / "a.npz")
    (tmp_path / "b.bvh").write_text("HIERARCHY")
    (tmp_path / "manifest.csv").write_text("path,subject,recording\nx.mp4,a,0\n")
    with pytest.raises(ConfigError, match="states its own frame rate"):
        load_recordings(tmp_path / name, "made", 30.0)


def test_extracted_poses_by_themselves_are_sent_to_the_manifest(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    for name in ("extraction.json", "person-0.npz", "person-0.features.npz"):
        (tmp_path / "a.mp4" / name).touch()
    with pytest.raises(InputError, match="do not say whose") as caught:
        load_recordings(tmp_path, "x")
    assert "manifest" in caught.value.hint
