"""``gaitproof evaluate``: what is trained is faked, everything else is real."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from quick import write_archive
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError, InputError
from gaitproof.evaluate.fusion_trials import read_single
from gaitproof.nets.onnx import OnnxEncoder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six stick walkers with four walks, two of them with a bag."""
    path = tmp_path_factory.mktemp("data") / "sticks.npz"
    write_archive(path, people=6, walks=4)
    with np.load(path, allow_pickle=False) as made:
        data = {name: made[name] for name in made.files}
    count = len(data["condition"])
    data["condition"] = np.array(["normal", "normal", "bag", "bag"] * (count // 4))
    np.savez(path, **data)
    return path


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text("{steps: 2, folds: 3, enrolled: 2}")
    return path


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Replace training by the mean of a window; tells whom each fold was trained on."""
    seen: list[set[str]] = []

    def train(walks, settings, progress=None, **options):
        seen.append({walk.subject for walk in walks})

        def embed(windows):
            rows = windows.features.mean(axis=1)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

        return SimpleNamespace(embed=embed, network=None)

    monkeypatch.setattr("gaitproof.modelling.recipe.train", train)
    return seen


def _run(*arguments: object):
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["evaluate", *map(str, arguments)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "folds"),
    [("both-unseen", 3), ("loso", 6), ("cross-condition", 3)],
)
def test_a_recipe_by_every_protocol(protocol, folds, archive, recipe, trained):
    done = _run(recipe, "--data", archive, "--protocol", protocol, "--no-baselines", "--json")
    assert done.exit_code == 0, done.output
    evaluation = json.loads(done.stdout)
    assert evaluation["design"] == protocol
    assert evaluation["folds"] == len(trained) == folds
    assert bool(evaluation["warnings"]) == (protocol == "loso")
    assert set(evaluation["system"]["clip"]["per_part"]) == (
        {"normal → bag", "bag → normal"} if protocol == "cross-condition" else set()
    )


@pytest.mark.slow
def test_options_change_the_recipe(archive, recipe, trained):
    options = ("--enrolled", 1, "--limit-people", 5, "--folds", 2, "--no-baselines")
    evaluation = json.loads(_run(recipe, "--data", archive, *options, "--json").stdout)
    assert (evaluation["folds"], evaluation["enrolled"]) == (2, 1)
    assert evaluation["system"]["clip"]["people"] == 5


@pytest.mark.slow
def test_tables_notes_and_plots_for_people(archive, recipe, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("gaitproof.report.evaluation.KINDS", ("png",))
    plots = tmp_path / "plots"
    options = ("--protocol", "loso", "--no-baselines", "--plots", plots)
    done = _run(recipe, "--data", archive, *options)
    assert done.exit_code == 0, done.output
    for part in ("clip level", "trained-on impostor", "Note: Leave one subject out", "Cllr"):
        assert part in done.stdout
    assert (plots / "det-clip.png").exists()
    assert f"{len(list(plots.iterdir()))} files" in done.stdout


@pytest.mark.slow
def test_a_model_as_it_is(archive, tmp_path):
    out = tmp_path / "out.json"
    done = _run(
        *("--model", "blend", "--data", archive, "--json", "-o", out),
        *("--enroll-condition", "normal", "--probe-condition", "bag"),
    )
    assert done.exit_code == 0, done.output
    evaluation = json.loads(done.stdout)
    assert evaluation == json.loads(out.read_text())
    assert (evaluation["design"], evaluation["enrolled"]) == ("frozen", 2)
    assert "normal → bag" in evaluation["protocol"]
    clip = evaluation["system"]["clip"]
    assert clip["mated"] + clip["nonmated"] + 0 == 6 * 2 * 6
    card = OnnxEncoder.load("blend").card
    assert clip["decisions"]["threshold"] == pytest.approx(card.operating_point.threshold)


@pytest.mark.slow
def test_likelihood_ratios_of_the_clips_are_kept(archive, tmp_path):
    table = tmp_path / "walks.csv"
    done = _run("--model", "blend", "--data", archive, "--json", "--llrs", table)
    assert done.exit_code == 0, done.output
    clip = json.loads(done.stdout)["system"]["clip"]
    ratios = read_single(table)
    assert ratios.genuine.sum() + clip["failures"] >= clip["mated"]
    assert len(ratios.group) == clip["mated"] + clip["nonmated"] - clip["failures"]
    assert len(np.unique(ratios.group)) == 6
    bound = OnnxEncoder.load("blend").card.calibration.log10_lr_bound
    assert np.abs(ratios.log10_lr).max() <= bound


@pytest.mark.slow
def test_a_folder_is_data_too(archive):
    done = _run("--model", "blend", "--data", archive.parent, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["system"]["clip"]["people"] == 6


RECIPES = Path(__file__).parents[2] / "recipes"
JOINTS, MASKS = str(RECIPES / "blend.yaml"), str(RECIPES / "silhouettes.yaml")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), ConfigError, "either a recipe or --model"),
        (("r.yaml", "--model", "m"), ConfigError, "either a recipe or --model"),
        (("--model", "blend"), ConfigError, "--data"),
        (("--model", "m", "--data", "d", "--folds", "3"), ConfigError, "not trained"),
        ((JOINTS, "--enroll-view", "left", "--protocol", "loso"), ConfigError, "both-unseen only"),
        ((JOINTS, "--held-out", "1", "--protocol", "cross-view"), ConfigError, "both-unseen only"),
        ((MASKS, "--protocol", "loso"), ConfigError, "not for recipes for silhouettes"),
        (("--model", "m", "--data", "d", "--held-out", "1"), ConfigError, "not trained"),
        (("--model", "blend", "--data", "nowhere.npz"), InputError, "nowhere"),
    ],
)
def test_what_makes_no_sense_is_one_message(arguments, error, message):
    done = _run(*arguments)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)
