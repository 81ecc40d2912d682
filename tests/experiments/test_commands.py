from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from forged_stores import brightness_model
from sticks import walking_points
from typer.testing import CliRunner

from experiments.__main__ import EXPERIMENTS, main, make_app
from gaitproof import errors
from gaitproof.errors import InputError
from gaitproof.types import GAIT_LANDMARKS

APP = make_app()
PEOPLE, EACH = 6, 4
ROOT = Path(__file__).parents[2] / "experiments"


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


@pytest.mark.slow
def test_shape(archive: Path) -> None:
    arguments = ["shape", str(archive), "--people", "5"]
    done = CliRunner().invoke(APP, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    average = json.loads(done.stdout)["average"]
    assert average["people"] == 5
    assert set(average["shares"]) == {"bones", "pose", "movement"}
    done = CliRunner().invoke(APP, arguments, env={"COLUMNS": "160"})
    assert "movement" in done.stdout


@pytest.mark.slow
def test_leak(archive: Path) -> None:
    arguments = ["leak", str(archive), "--people", "4", "--draws", "1"]
    done = CliRunner().invoke(APP, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    protocols = json.loads(done.stdout)["protocols"]
    assert [p["leaked"] for p in protocols.values()] == [False, False, True, True]
    done = CliRunner().invoke(APP, arguments, env={"COLUMNS": "200"})
    assert "LEAKED" in done.stdout
    assert "Published on 13 people" in done.stdout


def test_leak_says_what_training_lacks(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    done = CliRunner().invoke(APP, ["leak", str(archive), "--network", "cnn"])
    assert done.exit_code != 0
    assert "not installed" in str(done.exception)


def test_an_unknown_network_is_refused(archive: Path) -> None:
    done = CliRunner().invoke(APP, ["leak", str(archive), "--network", "magic"])
    assert done.exit_code != 0
    assert "magic" in str(done.exception)


def test_faces_refuses_what_it_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    brightness_model(tmp_path / "m")
    (tmp_path / "root").mkdir()

    def run(*arguments: str):
        return CliRunner().invoke(APP, ["faces", *arguments, "--model", "m"])

    assert isinstance(run("none").exception, InputError)
    assert isinstance(run("root").exception, InputError)
    (tmp_path / "root/a.png").write_bytes(b"x")
    (tmp_path / "root/clips.csv").write_text(
        "path,label,keys,manipulation,split\na.png,real,ann,,test\n"
    )
    assert "three people" in str(run("root").exception)
    assert run("root", "--detector", "other").exit_code == 2


@pytest.mark.parametrize(
    ("words", "part"),
    [(["shape", "none.npz"], "none.npz"), (["leak", "none.npz"], "none.npz")],
)
def test_expected_errors_are_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words, part
) -> None:
    monkeypatch.setattr("sys.argv", ["experiments", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("experiments: ")
    assert part in said.err


def test_every_experiment_has_a_page() -> None:
    for name in EXPERIMENTS:
        text = (ROOT / name.replace("-", "_") / "README.md").read_text()
        assert f"python -m experiments {name}" in text
