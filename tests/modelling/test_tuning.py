from __future__ import annotations

import io
import json

import optuna
import pytest
from quick import QuickTraining, make_sticks
from rich.console import Console

from gaitproof.errors import InputError, ModelError
from gaitproof.modelling import experiment, search
from gaitproof.modelling.search import TuneSettings
from gaitproof.modelling.search_space import Parameter, SearchSpace, apply_values
from gaitproof.modelling.tuning import BEST, GIVEN, attempts_table, split_for_tuning, tune_recipe
from gaitproof.train.config import TrainSettings

RECIPE = TrainSettings(architecture="cnn", steps=12, folds=3, enrolled=2)
SPACE = SearchSpace(
    parameters={
        "learning_rate": Parameter(low=1e-4, high=1e-1, log=True),
        "network.embedding": Parameter(choices=(16, 32)),
        "network.layers": Parameter(low=1, high=3, integer=True),
    }
)
TUNE = TuneSettings(attempts=6, parts=2)


def quality(settings):
    """A recipe is the better the higher its learning rate."""
    return 100 * settings.learning_rate


@pytest.fixture(scope="module")
def recordings():
    return make_sticks(15, 3)


@pytest.fixture
def training(monkeypatch):
    quick = QuickTraining(quality)
    monkeypatch.setattr(experiment, "train", quick)
    monkeypatch.setattr(search, "train", quick)
    return quick


def test_people_take_one_part_only(recordings):
    people = split_for_tuning(recordings, RECIPE, TUNE, ["s3", "sticks:s12"])
    parts = [people.fitted, people.validated, people.tested, people.excluded]
    together = [name for part in parts for name in part]
    assert len(together) == len(set(together)) == 15
    assert people.excluded == ("sticks:s12", "sticks:s3")
    assert all(len(part) >= 2 for part in parts)
    # the test people are those of a fold of the recipe's own evaluation
    other = split_for_tuning(recordings, RECIPE, TuneSettings(test_fold=1, parts=2), ["s3", "s12"])
    assert not set(other.tested) & set(people.tested)


@pytest.mark.parametrize(
    ("tune", "excluded", "message"),
    [
        (TUNE, ["nobody"], "nobody"),
        (TuneSettings(test_fold=3), [], "fold 3"),
        (TuneSettings(parts=6), [], "Too few people"),
    ],
)
def test_what_cannot_be_split_is_refused(recordings, tune, excluded, message):
    with pytest.raises(InputError, match=message):
        split_for_tuning(recordings, RECIPE, tune, excluded)


@pytest.mark.slow
def test_the_search_finds_what_is_better_and_checks_it_on_others(recordings, tmp_path, training):
    folder = tmp_path / "a b?#%{x}"
    shares: list[float] = []
    result = tune_recipe(
        RECIPE,
        recordings,
        folder,
        tune=TUNE,
        space=SPACE,
        excluded=["s3"],
        draws=50,
        progress=shares.append,
    )
    assert len(result.attempts) == 6
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    complete = [a for a in result.attempts if a.state == "complete"]
    best = min(complete, key=lambda a: a.value)
    assert result.values == best.values
    assert result.best_value == best.value < result.given
    assert result.best == apply_values(RECIPE, best.values) != RECIPE
    assert result.left_out == ("network.layers",)

    # the given recipe and the search: fitted people only; then both recipes on all of them
    fitted, tested = (
        {n.partition(":")[2] for n in p} for p in (result.people.fitted, result.people.tested)
    )
    development = {name.partition(":")[2] for name in result.people.development}
    assert all(people == fitted for people in training.people[:-2])
    assert training.people[-2:] == [development, development]
    assert not development & tested
    assert not any("s3" in people for people in training.people)

    assert {c.level for c in result.comparisons} == {"clip", "window"}
    assert [row.name for row in result.comparisons[0].rows] == [GIVEN, BEST]
    assert result.comparisons[0].people == len(result.people.tested)

    assert TrainSettings.load(folder / "best.yaml") == result.best
    people = json.loads((folder / "people.json").read_text())
    assert people["validated"] == list(result.people.validated)
    assert "no test" in people["note"]
    saved = json.loads((folder / "tuning.json").read_text())
    assert saved == json.loads(json.dumps(result.to_dict()))
    out = io.StringIO()
    Console(file=out, width=160).print(attempts_table(result))
    assert "as given" in out.getvalue()
    assert "6 attempts, EER per window of" in out.getvalue()


@pytest.mark.slow
def test_an_interrupted_search_tries_what_it_would_have_tried(recordings, tmp_path, training):
    whole = tune_recipe(RECIPE, recordings, tmp_path / "whole", tune=TUNE, space=SPACE, draws=50)
    training.done.clear()
    training.kill_before = 3
    with pytest.raises(KeyboardInterrupt):
        tune_recipe(RECIPE, recordings, tmp_path / "cut", tune=TUNE, space=SPACE, draws=50)
    training.kill_before = None
    cut = tune_recipe(RECIPE, recordings, tmp_path / "cut", tune=TUNE, space=SPACE, draws=50)
    assert [a.values for a in cut.attempts[:3]] == [a.values for a in whole.attempts[:3]]
    assert len(cut.attempts) == 6
    done = len(training.done)
    again = tune_recipe(RECIPE, recordings, tmp_path / "cut", tune=TUNE, space=SPACE, draws=50)
    assert len(training.done) == done
    assert again.to_dict() == cut.to_dict()


@pytest.mark.slow
def test_another_recipe_is_another_search(recordings, tmp_path, training):
    few = TuneSettings(attempts=1, parts=2)
    tune_recipe(RECIPE, recordings, tmp_path, tune=few, space=SPACE, draws=50)
    done = len(training.done)
    other = RECIPE.model_copy(update={"steps": 6})
    result = tune_recipe(other, recordings, tmp_path, tune=few, space=SPACE, draws=50)
    assert len(result.attempts) == 1
    assert len(training.done) > done


@pytest.mark.slow
def test_what_lags_behind_is_given_up(recordings, tmp_path, training):
    space = SearchSpace(parameters={"learning_rate": Parameter(low=1e-4, high=1e-1)})
    tune = TuneSettings(attempts=14, parts=2)
    result = tune_recipe(RECIPE, recordings, tmp_path, tune=tune, space=space, draws=50)
    pruned = [a for a in result.attempts if a.state == "pruned"]
    assert pruned
    assert all(a.value is not None for a in pruned)
    assert result.values not in [a.values for a in pruned]


@pytest.mark.slow
def test_time_is_kept_and_what_was_under_way_comes_first(recordings, tmp_path, training):
    late = TuneSettings(attempts=6, parts=2, timeout=0.0)
    with pytest.raises(InputError, match="not long enough"):
        tune_recipe(RECIPE, recordings, tmp_path, tune=late, space=SPACE, draws=50)
    result = tune_recipe(RECIPE, recordings, tmp_path, tune=TUNE, space=SPACE, draws=50)
    assert len(result.attempts) == 6


@pytest.mark.slow
def test_recipes_that_cannot_be_trained_are_said(recordings, tmp_path, training, monkeypatch):
    calls = []

    def fail(walks, settings, *args, **options):
        calls.append(settings)
        if len(calls) > 1:
            raise ModelError("no such size")
        return training(walks, settings)

    monkeypatch.setattr(search, "train", fail)
    with pytest.raises(InputError, match="Three recipes") as caught:
        tune_recipe(RECIPE, recordings, tmp_path, tune=TUNE, space=SPACE, draws=50)
    assert "no such size" in caught.value.actual


def test_a_space_without_use_is_refused(recordings, tmp_path):
    recipe = TrainSettings(architecture="diffcnn", folds=3)
    space = SearchSpace(parameters={"network.embedding": Parameter(choices=(16, 32))})
    with pytest.raises(InputError, match="no use"):
        tune_recipe(recipe, recordings, tmp_path, tune=TUNE, space=space)


@pytest.mark.slow
def test_optuna_says_nothing(recordings, tmp_path, training, capsys):
    level = optuna.logging.get_verbosity()
    tune_recipe(
        RECIPE,
        recordings,
        tmp_path,
        tune=TuneSettings(attempts=2, parts=2),
        space=SPACE,
        draws=50,
    )
    assert capsys.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == level
