import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_stores import drawn_store, paint
from sklearn.metrics import accuracy_score, f1_score

from gaitproof.data.face.clips import Label
from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings, align
from gaitproof.face.model import FaceForgeryModel
from gaitproof.metrics import auc
from gaitproof.modelling.face.export import save_face_model
from gaitproof.nets.face.registry import (
    FaceNetworkSettings,
    create_face_network,
    list_face_networks,
)
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.learner import FaceLearner
from gaitproof.train.face.loop import identify, train_faces
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.learner import RunState

pytestmark = pytest.mark.slow

RECIPES = Path(__file__).parents[3] / "recipes"
CPU = TrainerSettings(accelerator="cpu", checkpoint_every=2)
SMALL = FaceTrainSettings(
    architecture="compact",
    network=FaceNetworkSettings(width=8),
    alignment=AlignmentSettings(size=48, margin=0.1),
    batch=8,
    epochs=2,
    pictures_per_epoch=24,
    learning_rate=3e-3,
    schedule={"name": "one-cycle"},
    precision="32",
    blend_loss=0.5,
)
RATE = {"value": 0.1, "low": 0.0, "high": 0.3}
CARD = {
    "detector": "drawn 1",
    "operating_point": {
        "threshold": 0.5,
        "low": 0.4,
        "high": 0.6,
        "chosen_by": "hand",
        "false_real": RATE,
        "false_fake": RATE,
    },
    "data": (),
    "protocol": "none",
    "figures": {},
    "trained_on": "2026-11-21",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("store"), 24, 2, change=paint)


@pytest.fixture(scope="module")
def whole(store):
    """What an undisturbed run of the small recipe ends with."""
    return train_faces([store], SMALL, trainer_options=CPU)


def same(a, b):
    first, second = a.network.state_dict(), b.network.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_what_forgeries_of_unseen_people_look_like(store, tmp_path):
    recipe = SMALL.model_copy(
        update={"forgeries": "labelled", "epochs": 4, "pictures_per_epoch": 160}
    )
    trained = train_faces([store], recipe, trainer_options=CPU)
    save_face_model(trained, tmp_path / "model", **CARD)
    model = FaceForgeryModel.load(tmp_path / "model")
    scores, genuine = [], []
    for stored in store.of_split("test"):
        faces = store.read(stored)
        crops = [
            align(p, q, recipe.alignment) for p, q in zip(faces.images, faces.points, strict=True)
        ]
        scores.append(model.score(np.stack(crops)).mean())
        genuine.append(stored.clip.label is Label.REAL)
        np.testing.assert_allclose(scores[-1], trained.score_clip(faces).score, atol=1e-4)
    assert auc(scores, genuine) >= 0.95
    assert trained.validation[-1][1] < trained.validation[0][1]
    maps = model.explain(np.stack(crops))
    assert maps.shape == (2, 3, 3)
    assert maps.min() >= 0


def test_the_seed_decides_the_weights(store, whole):
    again = train_faces([store], SMALL, trainer_options=CPU)
    assert same(whole, again)
    other = train_faces([store], SMALL.model_copy(update={"seed": 1}), trainer_options=CPU)
    assert not same(whole, other)


def test_the_weights_kept_are_those_of_the_best_validation(store):
    seen = []
    trained = train_faces([store], SMALL, lambda done, loss: seen.append(done), trainer_options=CPU)
    assert [step for step, _ in trained.validation] == [3, 6]
    assert len(trained.losses) == len(seen) == 6
    assert seen[-1] == 1


def test_a_killed_run_goes_on_to_the_same_weights(store, whole, tmp_path):
    code = f"""
from pathlib import Path
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.data.face.store import FaceStore
from gaitproof.train.face.learner import FaceLearner
from gaitproof.train.face.loop import identify, train_faces
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.learner import RunState
import time
def slow(done, loss):
    print(done, flush=True)
    time.sleep(0.2 if done < 0.6 else 60)
train_faces([FaceStore.open({str(store.folder)!r})],
    FaceTrainSettings.model_validate_json({SMALL.model_dump_json()!r}), slow,
    run_folder=Path({str(tmp_path)!r}),
    trainer_options=TrainerSettings(accelerator="cpu", checkpoint_every=2))
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if float(line) >= 0.6:
                break
        os.kill(process.pid, signal.SIGKILL)
    resumed = train_faces([store], SMALL, run_folder=tmp_path, trainer_options=CPU)
    assert same(whole, resumed)
    assert resumed.losses == whole.losses


def test_a_run_that_accumulates_shows_as_much_in_fewer_steps_and_goes_on(store, tmp_path):
    recipe = SMALL.model_copy(update={"batch": 4, "accumulate": 3})
    whole = train_faces([store], recipe, trainer_options=CPU)
    assert [step for step, _ in whole.validation] == [2, 4]

    def stop(done, loss):
        if done > 0.6:
            raise KeyboardInterrupt

    run = {"run_folder": tmp_path, "trainer_options": CPU}
    with pytest.raises(KeyboardInterrupt):
        train_faces([store], recipe, stop, **run)
    resumed = train_faces([store], recipe, **run)
    assert same(whole, resumed)
    assert resumed.losses == whole.losses


def test_another_recipe_or_store_does_not_go_on(store, tmp_path):
    train_faces([store], SMALL, run_folder=tmp_path, trainer_options=CPU)
    renamed = SMALL.model_copy(update={"name": "other", "limits": "None."})
    train_faces([store], renamed, run_folder=tmp_path, trainer_options=CPU)
    with pytest.raises(ConfigError, match="another recipe"):
        train_faces(
            [store],
            SMALL.model_copy(update={"batch": 6}),
            run_folder=tmp_path,
            trainer_options=CPU,
        )


def test_a_network_of_pictures_takes_one_at_a_time(store):
    with pytest.raises(ConfigError, match="does not look at 4 frames"):
        train_faces([store], SMALL.model_copy(update={"frames": 4}), trainer_options=CPU)


def test_the_seed_s_network_trains_too(store):
    recipe = SMALL.model_copy(
        update={
            "architecture": "effnet-b1",
            "network": FaceNetworkSettings(),
            "epochs": 1,
            "pictures_per_epoch": 8,
            "forged_share": 0.7,
        }
    )
    trained = train_faces([store], recipe, trainer_options=CPU)
    assert np.isfinite(trained.losses).all()


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("faces-*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_that_come_with_the_project_are_valid(recipe):
    settings = FaceTrainSettings.load(recipe)
    assert settings.architecture in list_face_networks()


def test_training_begins_with_the_weights_of_another_run(store, tmp_path):
    first = train_faces([store], SMALL, run_folder=tmp_path / "first", trainer_options=CPU)
    # a step of no length leaves them as they were
    still = SMALL.model_copy(
        update={"start": tmp_path / "first", "epochs": 1, "learning_rate": 1e-30}
    )
    weights = dict(first.network.named_parameters())
    for name, value in train_faces([store], still, trainer_options=CPU).network.named_parameters():
        torch.testing.assert_close(value, weights[name])


def test_another_start_is_another_run(store, tmp_path):
    for seed in (1, 2):
        recipe = SMALL.model_copy(update={"seed": seed, "epochs": 1})
        train_faces([store], recipe, run_folder=tmp_path / str(seed), trainer_options=CPU)
    both = [SMALL.model_copy(update={"start": tmp_path / name}) for name in ("1", "2")]
    assert len({identify([store], recipe).recipe for recipe in (SMALL, *both)}) == 3


@pytest.mark.parametrize(
    ("width", "says"), [(8, "does not exist"), (16, "is not a valid checkpoint to begin with")]
)
def test_a_start_that_does_not_fit_is_refused(store, tmp_path, width, says):
    start = tmp_path / "none"
    if width != 8:
        start = tmp_path / "narrow"
        train_faces([store], SMALL, run_folder=start, trainer_options=CPU)
    recipe = SMALL.model_copy(update={"start": start, "network": FaceNetworkSettings(width=width)})
    with pytest.raises(ConfigError) as refused:
        train_faces([store], recipe, run_folder=tmp_path / "run", trainer_options=CPU)
    said = str(refused.value)
    assert f"{str(start / 'checkpoint.safetensors')!r} {says}." in said
    assert "Expected: checkpoint.safetensors in the folder of a run with the same network" in said


def test_the_rate_falls_after_so_many_epochs_and_an_epoch_shows_faces_repeatedly(store):
    changes = {"epochs": 4, "decay_epochs": 3, "pictures_per_epoch": None, "repeats": 2}
    settings = SMALL.model_copy(update=changes)
    state = RunState()
    steps = 4 * 6
    learner = FaceLearner(create_face_network("compact"), settings, steps, state)
    assert learner.decay_steps() == 18
    stages = SMALL.model_copy(update={"epochs": 4})
    assert FaceLearner(create_face_network("compact"), stages, steps, state).decay_steps() == 5
    one, two = (
        len(train_faces([store], one, trainer_options=CPU).losses)
        for one in (
            SMALL.model_copy(update={"epochs": 1, "pictures_per_epoch": None, "repeats": n})
            for n in (1, 2)
        )
    )
    assert two in (2 * one - 1, 2 * one)


def test_the_log_says_accuracy_and_f1_of_both_classes(store, tmp_path):
    train_faces([store], SMALL, run_folder=tmp_path / "run", trainer_options=CPU)
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    names = FaceLearner.measure_names
    validated = [row for row in rows if row["validation_loss"]]
    assert len(validated) == 2
    for row in rows:
        assert all(bool(row[name]) == bool(row["validation_loss"]) for name in names)
    assert all(0 <= float(row[name]) <= 1 for row in validated for name in names)


def test_accuracy_and_f1_are_those_of_scikit_learn():
    learner = FaceLearner(create_face_network("compact"), SMALL, 4, RunState()).eval()
    rng = np.random.default_rng(0)
    labels, answers = rng.integers(0, 2, (2, 50))
    for part in (slice(0, 20), slice(20, 50)):  # counted over batches
        logits = torch.nn.functional.one_hot(torch.tensor(answers[part]), 2).float()
        learner._classes(logits, torch.tensor(labels[part]))
    measures = learner.take_measures()
    forged, genuine = f1_score(labels, answers, average=None)
    assert list(measures.values()) == pytest.approx(
        [accuracy_score(labels, answers), forged, genuine]
    )
    assert set(learner.take_measures().values()) == {0.0}  # begins anew
