import json

import numpy as np
import pytest
from drawn_stores import drawn_store, paint
from typer.testing import CliRunner

from experiments.__main__ import make_app
from experiments.face_networks import run as bench
from experiments.face_networks.attention import mean_attention, plot_attention
from gaitproof.errors import ConfigError, InputError
from gaitproof.face.align import AlignmentSettings
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import train_faces
from gaitproof.train.hardware import TrainerSettings

pytestmark = pytest.mark.slow  # what all of them share takes long

RECIPE = FaceTrainSettings(
    forgeries="labelled",
    frames=3,
    alignment=AlignmentSettings(size=32, margin=0.1),
    batch=4,
    epochs=1,
    pictures_per_epoch=8,
    schedule={"name": "one-cycle"},
    precision="32",
)
CPU = TrainerSettings(accelerator="cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("store"), 16, 4, change=paint, size=96)


@pytest.fixture(scope="module")
def result(store):
    names = ("compact", "temporal-only", "resnet50-bigru", "resnet50-bilstm-512")
    return bench.run(store, RECIPE, names, trainer_options=CPU)


def test_all_are_measured_on_the_same_clips_and_the_ensemble_is_the_mean(result):
    assert [run.name for run in result.runs][-1] == bench.ENSEMBLE
    scores = {run.name: run.scores for run in result.runs}
    np.testing.assert_allclose(
        scores[bench.ENSEMBLE],
        (scores["resnet50-bigru"] + scores["resnet50-bilstm-512"]) / 2,
    )
    assert {one.name for one in result.compared} == set(scores)
    assert result.compared[0].gain == {}
    assert all(len(one) == len(result.clips) == 8 for one in scores.values())


def test_attention_is_kept_of_networks_that_have_any(result):
    by_name = {run.name: run.attention for run in result.runs}
    assert set(by_name["compact"]) == {None}
    for name in ("temporal-only", "resnet50-bigru", bench.ENSEMBLE):
        for one in by_name[name]:
            assert one.shape == (4,)
            assert one.sum() == pytest.approx(1, abs=1e-5)


def test_it_can_be_written_and_drawn(result):
    as_json = json.loads(json.dumps(result.to_dict()))
    assert [run["network"] for run in as_json["runs"]] == [run.name for run in result.runs]
    strips = {run.name: run.attention for run in result.runs if run.attention[0] is not None}
    clips = [stored.clip for stored in result.clips]
    figure = plot_attention(strips, clips)
    assert len(figure.axes) == 3
    means = mean_attention(strips, clips, "painted", 4)
    assert means.shape == (len(strips), 4)
    np.testing.assert_allclose(means.mean(axis=1), 1, atol=1e-5)


def test_all_take_as_many_steps_and_see_as_many_pictures():
    single, clips = (bench.recipe_of(name, RECIPE) for name in ("compact", "temporal-only"))
    assert (single.frames, clips.frames) == (1, 3)
    assert single.batch * single.frames == clips.batch * clips.frames
    steps = {one.pictures_per_epoch // one.batch for one in (single, clips)}
    assert len(steps) == 1
    kept = RECIPE.model_copy(update={"views": 2})
    assert bench.recipe_of("resnet50-bigru", kept).views == 2
    assert bench.recipe_of("temporal-only", kept).views is None


def test_validation_chooses_the_learning_rate(store, tmp_path):
    rates = (1e-30, RECIPE.learning_rate)
    chosen = bench.run(
        store, RECIPE, ["compact"], rates=rates, run_folder=tmp_path, trainer_options=CPU
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        f"compact-{rate:g}" for rate in rates
    )
    losses = {}
    for rate in rates:
        recipe = bench.recipe_of("compact", RECIPE.model_copy(update={"learning_rate": rate}))
        run = train_faces([store], recipe, trainer_options=CPU)
        losses[rate] = min(loss for _, loss in run.validation)
    assert chosen.runs[0].learning_rate == min(losses, key=losses.get)


def test_what_cannot_be_compared(store):
    with pytest.raises(InputError, match="must look at single images"):
        bench.run(store, RECIPE, ["temporal-only"], trainer_options=CPU)
    with pytest.raises(InputError, match="must look at single images"):
        bench.run(store, RECIPE, [], trainer_options=CPU)
    with pytest.raises(ConfigError, match="no face network"):
        bench.run(store, RECIPE, ["compact", "nose"], trainer_options=CPU)


def test_a_store_without_test_clips(tmp_path):
    with pytest.raises(InputError, match="no test clips"):
        bench.run(drawn_store(tmp_path, 3), RECIPE, ["compact"], trainer_options=CPU)


@pytest.mark.parametrize("text", ["fast", "0.001,-1", "0", "nan", "0.1;0.2"])
def test_rates_that_are_none(text):
    result = CliRunner().invoke(
        make_app(), ["face-networks", "none.yaml", "--data", "none", "--rates", text]
    )
    assert isinstance(result.exception, ConfigError)
    assert "not numbers above 0" in str(result.exception)
