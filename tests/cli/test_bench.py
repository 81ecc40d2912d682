from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sticks import walking_points
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.types import GAIT_LANDMARKS

PEOPLE, EACH = 6, 4


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "sticks.npz"
    walks = [walking_points(p, w, 3.0)[1] for p in range(PEOPLE) for w in range(EACH)]
    names = [landmark.name.lower() for landmark in GAIT_LANDMARKS]
    np.savez(
        path,
        xyz=np.concatenate(walks).astype(np.float32),
        offsets=np.cumsum([0, *map(len, walks)]),
        subject=[f"s{i // EACH}" for i in range(len(walks))],
        sequence=[str(i % EACH) for i in range(len(walks))],
        condition=["walk"] * len(walks),
        view=["any"] * len(walks),
        fps=np.full(len(walks), 30.0),
        joints=names,
        landmark12=json.dumps({name: name for name in names}),
    )
    return path


def test_bench_shape(archive: Path) -> None:
    arguments = ["bench", "shape", str(archive), "--people", "5"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    average = json.loads(done.stdout)["average"]
    assert average["people"] == 5
    assert set(average["shares"]) == {"bones", "pose", "movement"}
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert "movement" in done.stdout


def test_bench_leak(archive: Path) -> None:
    arguments = ["bench", "leak", str(archive), "--people", "4", "--draws", "1"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    protocols = json.loads(done.stdout)["protocols"]
    assert [p["leaked"] for p in protocols.values()] == [False, False, True, True]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert "LEAKED" in done.stdout
    assert "Published on 13 people" in done.stdout


def test_bench_leak_says_what_training_lacks(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gaitproof.cli import extras

    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["bench", "leak", str(archive), "--network", "cnn"])
    assert done.exit_code != 0
    assert "not installed" in str(done.exception)


def test_an_unknown_network_is_refused(archive: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "leak", str(archive), "--network", "magic"])
    assert done.exit_code != 0
    assert "magic" in str(done.exception)
