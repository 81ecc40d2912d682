from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch
from synthetic_masks import paired_walks, write_archive
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.data.gait.silhouettes import load_silhouettes
from gaitproof.errors import GaitproofError, InputError, ModelError
from gaitproof.evaluate.frozen import evaluate_model
from gaitproof.evaluate.view_figures import BY_SIZE, BY_VIEW
from gaitproof.modelling.silhouettes import make_silhouette_model
from gaitproof.nets.onnx import OnnxEncoder, PairedEncoder, SilhouetteEncoder, load_encoder
from gaitproof.train.losses import batch_all_triplet
from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
from gaitproof.train.silhouettes.discriminant import apply
from gaitproof.train.silhouettes.fit import train_silhouettes

pytestmark = pytest.mark.slow

RECIPE = """
architecture: energy-blend
network: {embedding: 89, width: 20}
discriminant_windows: 64
version: 0.0.1
sources: [{path: PATH, name: made, licence: none, citation: none}]
steps: 4
people_per_batch: 4
windows_per_person: 4
precision: "32"
folds: 2
enrolled: 2
scope: {enroll_condition: [nm], enroll_view: ["000"], probe_condition: [nm, cl]}
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("made") / "made.npz", 8)


def _settings(**changes) -> SilhouetteTrainSettings:
    plain = {
        "architecture": "strip-energy",
        "network": {"embedding": 16, "width": 20},
        "precision": "32",
        "steps": 6,
    }
    return SilhouetteTrainSettings(people_per_batch=4, windows_per_person=4, **(plain | changes))


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_resumed_run_gives_what_it_would_have_given(archive, tmp_path, optimiser):
    walks = load_silhouettes(archive, "made")
    settings = _settings(optimiser=optimiser, schedule={"rise": 0.1})
    whole = train_silhouettes(walks, settings)
    losses = []

    def stop(share: float, loss: float) -> None:
        losses.append(loss)
        if len(losses) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_silhouettes(walks, settings, stop, run_folder=tmp_path, trainer_options=_every_step())
    resumed = train_silhouettes(walks, settings, run_folder=tmp_path, trainer_options=_every_step())
    for name, value in whole.state_dict().items():
        assert value.numpy() == pytest.approx(resumed.state_dict()[name].numpy(), abs=1e-5), name


def _every_step():
    from gaitproof.train.hardware import TrainerSettings

    return TrainerSettings(accelerator="cpu", checkpoint_every=1)


def test_a_persons_variation_is_even_in_all_directions(archive):
    walks = load_silhouettes(archive, "made")
    network = train_silhouettes(walks, _settings(steps=1))
    rows = np.concatenate(
        [
            apply(
                lambda m: network.directions(network.described(m)), w.windows.select(np.array([1]))
            )
            for w in walks
        ]
    )
    people = np.array([w.subject for w in walks])
    own = np.array([rows[people == p].mean(axis=0) for p in np.unique(people)])
    assert own.mean(axis=0) == pytest.approx(0, abs=1e-3)
    apart = rows - own[np.searchsorted(np.unique(people), people)]
    spread = np.linalg.eigvalsh(apart.T @ apart / len(apart))
    # but for the shrinkage; without whitening the first is hundreds of times the last
    assert spread.max() < 1.1
    assert spread.max() < 60 * spread.min()


def test_batch_all_triplets_by_hand():
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(2, 6, 3)), np.array([0, 0, 1, 1, 2, 2])
    loss = batch_all_triplet(torch.from_numpy(vectors), torch.from_numpy(labels), 0.2)
    expected = []
    for part in vectors:
        distance = np.linalg.norm(part[:, None] - part[None], axis=2)
        terms = [
            0.2 + distance[a, p] - distance[a, n]
            for a in range(6)
            for p in range(6)
            for n in range(6)
            if p != a and labels[p] == labels[a] != labels[n]
        ]
        over = [term for term in terms if term > 0]
        expected.append(np.mean(over))
    assert float(loss) == pytest.approx(np.mean(expected))


@pytest.mark.slow
def test_from_recipe_to_figures_on_other_people(archive, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("PATH", str(archive)))
    invoke = partial(CliRunner().invoke, app)
    made = invoke(["train", str(recipe), "-o", str(tmp_path / "model")])
    assert made.exit_code == 0, made.output
    model = load_encoder(tmp_path / "model")
    assert isinstance(model, SilhouetteEncoder)
    assert model.card.dimensions == 2
    assert "both-unseen" in model.card.protocol
    with pytest.raises(ModelError, match="reads silhouettes"):
        OnnxEncoder.load(tmp_path / "model")
    other = write_archive(tmp_path / "other.npz", 5)
    scope = "--enroll-condition nm --enroll-view 000 --probe-condition nm,cl --probe-view 090"
    data = ["--data", str(other), "--enrolled", "2"]
    shown = invoke(["evaluate", "--model", str(tmp_path / "model"), *data, *scope.split()])
    assert shown.exit_code == 0, shown.output
    assert "rank-1" in shown.output
    for condition in ("nm", "cl"):
        assert f"nm, 000 → {condition}, 090" in shown.output
    wrong = invoke(["evaluate", "--model", str(tmp_path / "model"), "--data", str(recipe)])
    assert isinstance(wrong.exception, InputError)


@pytest.mark.slow
def test_a_network_on_both_signals_is_trained_evaluated_and_exported(tmp_path):
    settings = _settings(
        architecture="mmgaitformer",
        network={"embedding": 12, "width": 8},
        steps=2,
        folds=2,
        enrolled=2,
    )
    walks = paired_walks(people=6, walks=3)
    card, result = make_silhouette_model(settings, walks, tmp_path / "model")
    model = load_encoder(tmp_path / "model")
    assert isinstance(model, PairedEncoder)
    assert (card.signal, card.mean, card.dimensions) == ("both", (), 2)
    windows = walks[0].windows
    embeddings = model.embed(windows)
    assert embeddings.shape == (len(windows), 12)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1, abs=1e-5)
    assert len(model.embed(windows.select(np.zeros(0, int)))) == 0
    # six people in two folds, all of them tried across two views
    assert set(result.rank_one) == {"nm"}
    assert set(result.views[BY_VIEW]["nm"]) == {"000", "090"}
    assert card.figures["rank-1/nm"] == pytest.approx(result.rank_one["nm"].value, abs=1e-4)
    again = evaluate_model(model, walks, enrolled=2, by_view=True, draws=50)
    assert set(again.rank_one) == {"nm"}
    with pytest.raises(ModelError, match="reads both"):
        SilhouetteEncoder.load(tmp_path / "model")


def test_people_held_out_by_name(archive, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("PATH", str(archive)).replace("energy-blend", "strip-energy"))
    recipe.write_text(recipe.read_text().replace("embedding: 89", "embedding: 16"))
    invoke = partial(CliRunner().invoke, app)
    line = ["evaluate", str(recipe), "--held-out", "005-007", "--probe-view", "090", "--json"]
    shown = invoke([*line, "--enroll-view", "000,090"])
    assert shown.exit_code == 0, shown.output
    evaluation = json.loads(shown.output)
    assert "3 people held out, 005 to 007" in evaluation["protocol"]
    assert "nm+000, 090" in evaluation["protocol"] or "nm, 000+090" in evaluation["protocol"]
    assert evaluation["folds"] == 1
    assert set(evaluation["system"]["clip"]["per_person"]) == {f"made:{i:03d}" for i in (5, 6, 7)}
    assert list(evaluation["views"][BY_SIZE]["nm"]) == ["1", "2"]
    for wrong in (["--held-out", "005-099"], ["--held-out", "007"], ["--protocol", "loso"]):
        assert isinstance(invoke(["evaluate", str(recipe), *wrong]).exception, GaitproofError)
