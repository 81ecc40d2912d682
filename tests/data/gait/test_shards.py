from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save
from typer.testing import CliRunner
from walking import make_walk

from gaitproof.cli.app import app
from gaitproof.data.gait.load import load_recordings
from gaitproof.data.gait.recording import Recording, make_recording
from gaitproof.data.gait.shards import load_shard, save_shards
from gaitproof.errors import InputError


def walks(count: int = 5) -> list[Recording]:
    made = [
        make_recording(
            make_walk(3 + i, yaw=i, noise=0.003, seed=i),
            subject=f"p{i % 2}",
            recording=f"walk {i}",
            condition="näher" if i else "",
            view="side",
            source="made",
            parent="walk 0" if i == 3 else "",
        )
        for i in range(count)
    ]
    labels = {"subject": "p9", "recording": "nobody", "condition": "", "view": ""}
    return [
        *made,
        Recording(times=np.zeros(0), points=np.zeros((0, 12, 3)), source="made", **labels),
    ]


@pytest.mark.parametrize(("shard_bytes", "shards"), [(2**27, 1), (1, 6), (30_000, 4)])
def test_a_folder_of_shards_is_the_data_set(tmp_path: Path, shard_bytes: int, shards: int) -> None:
    made = walks()
    files = save_shards(iter(made), tmp_path / "s", shard_bytes=shard_bytes)
    assert len(files) == shards
    recordings = load_recordings(tmp_path / "s", "made")
    assert len(recordings) == len(made)
    for a, b in zip(recordings, made, strict=True):
        for name in ("subject", "recording", "condition", "view", "source", "parent", "domain"):
            assert getattr(a, name) == getattr(b, name)
        assert (a.flat, a.feet) == (b.flat, b.feet)
        np.testing.assert_array_equal(a.times, b.times)
        np.testing.assert_array_equal(a.points, b.points.astype(np.float32))
        assert len(a.windows) == len(b.windows)
        np.testing.assert_allclose(a.windows.features, b.windows.features, atol=2e-4)


def broken(tensors: dict[str, np.ndarray], labels: dict[str, list[str]], how: str) -> bytes:
    if how == "bounds":
        tensors["offsets"][-1] += 1
    elif how == "order":
        tensors["offsets"][1] = tensors["offsets"][2] + 1
    elif how == "joints":
        tensors["points"] = tensors["points"][:, :11].copy()
    elif how == "labels":
        labels["subject"].pop()
    elif how == "domain":
        labels["domain"][0] = "a/b/c/d"
    else:
        del tensors[how]
    return save(tensors, {"labels": json.dumps(labels)})


@pytest.mark.parametrize(
    "how", ["bounds", "order", "joints", "labels", "domain", "times", "offsets"]
)
def test_what_does_not_fit_is_refused(tmp_path: Path, how: str) -> None:
    (file,) = save_shards(walks(), tmp_path)
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    labels = json.loads(header["__metadata__"]["labels"])
    file.write_bytes(broken(load(data), labels, how))
    with pytest.raises(InputError):
        load_shard(file, "made")


def test_text_is_no_shard(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_text("nothing")
    with pytest.raises(InputError, match="shard of walks"):
        load_shard(tmp_path / "x.safetensors", "made")


def test_a_data_set_is_packed_by_the_command(tmp_path: Path) -> None:
    save_shards(walks(), tmp_path / "a", shard_bytes=1)
    command = ["dataset", "shards", str(tmp_path / "a"), "-o", str(tmp_path / "b"), "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    assert values["shards"] == 1
    (file,) = (tmp_path / "b").iterdir()
    assert values["bytes"] == file.stat().st_size
    assert len(load_recordings(tmp_path / "b", "a")) == 6
