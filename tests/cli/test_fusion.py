import csv
import json

import numpy as np
import pytest
from tiny_face_model import write_model
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import InputError
from gaitproof.verify.fusion.rule import load_weights


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "220")
    write_model(tmp_path / "m")

    def do(*arguments):
        return CliRunner().invoke(app, ["fusion", *arguments, "--face-model", "m", "--draws", "20"])

    return do


@pytest.fixture
def tables(tmp_path):
    """Write trials of both as one table, and of either alone; 12 people."""
    rng = np.random.default_rng(0)
    whole = [("group", "genuine", "gait", "face", "kind")]
    single = {name: [("group", "genuine", "log10_lr")] for name in ("walks", "faces")}
    for person in range(12):
        for walk in (1, -1):
            for face in (1, -1):
                for _ in range(3):
                    g, f = (s * 0.9 + 0.8 * rng.normal() for s in (walk, face))
                    genuine = int(walk + face == 2)
                    whole.append((f"p{person}", genuine, g, f, f"{walk} {face}"))
            single["walks"].append((f"w{person}", int(walk > 0), g))
            single["faces"].append((f"f{person}", int(walk > 0), f * walk))
    whole.append(("p0", 1, 1.0, "", ""))
    for name, rows in {"trials": whole, **single}.items():
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)


def test_weights_are_learnt_and_written(run, tables, tmp_path):
    done = run("trials.csv", "-o", "w.json", "--source", "made trials", "--limits", "only a test")
    assert done.exit_code == 0, done.output
    printed = " ".join(done.stdout.split())
    for part in ("joined, learnt on other people", "weighted sum", "min(g, f, g + f)",
                 "-1 1 (36)", "1 without face", "12 people, 144 trials"):  # fmt: skip
        assert part in printed, part
    weights = load_weights(tmp_path / "w.json")
    assert weights.face_model == "tiny-1"
    assert weights.gait_model.startswith("spread-blend")
    assert (weights.source, weights.limits) == ("made trials", "only a test")
    answer = json.loads(run("trials.csv", "--json").stdout)
    assert answer["gains"]["joined, learnt on other people"]["value"] > 0
    assert answer["weights"]["source"] == "trials.csv"


def test_single_tables_are_paired(run, tables):
    answer = json.loads(run("--walks", "walks.csv", "--faces", "faces.csv", "--json").stdout)
    assert answer["weights"]["groups"] == 12
    assert len(answer["weights"]["trials"]) == 4
    assert answer["weights"]["source"] == "walks.csv, faces.csv"


@pytest.mark.parametrize(
    "arguments",
    [(), ("--walks", "walks.csv"), ("trials.csv", "--walks", "walks.csv"), ("none.csv",)],
)
def test_what_cannot_be_read_is_refused(run, tables, arguments):
    assert isinstance(run(*arguments).exception, InputError)
