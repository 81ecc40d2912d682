from __future__ import annotations

import pytest
from pydantic import ValidationError

from gaitproof.errors import ConfigError
from gaitproof.modelling.search_space import (
    Parameter,
    SearchSpace,
    apply_values,
    unusable_parameters,
)
from gaitproof.nets.registry import list_networks
from gaitproof.train.config import TrainSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "either"),
        ({"low": 0.0}, "either"),
        ({"low": 0.0, "high": 1.0, "choices": [1]}, "either"),
        ({"low": 1.0, "high": 1.0}, "below"),
        ({"low": 0.0, "high": 1.0, "log": True}, "above 0"),
        ({"low": 0.5, "high": 2.0, "integer": True}, "whole"),
        ({"choices": [1], "log": True}, "go with"),
        ({"lo": 1}, "extra"),
    ],
)
def test_bad_parameters_are_refused(values, message):
    with pytest.raises(ValidationError, match=f"(?i){message}"):
        Parameter(**values)


@pytest.mark.parametrize(
    "name", ["learning_rat", "network", "network.depth", "network.dropout.x", "seed", "folds", ""]
)
def test_only_settings_that_change_learning_can_be_searched(tmp_path, name):
    path = tmp_path / "space.yaml"
    path.write_text(f"parameters: {{'{name}': {{low: 0.1, high: 0.2}}}}")
    if name == "network":
        # a group is a setting, but no number fits it
        with pytest.raises(ConfigError, match="network"):
            apply_values(TrainSettings(), {name: 0.1})
        return
    with pytest.raises(ConfigError, match="cannot change"):
        SearchSpace.load(path)


def test_every_default_bound_makes_a_valid_recipe():
    for name, parameter in SearchSpace().parameters.items():
        for value in parameter.choices or (parameter.low, parameter.high):
            wanted = int(value) if parameter.integer else value
            setting = apply_values(TrainSettings(), {name: wanted}).model_dump()
            for part in name.split("."):
                setting = setting[part]
            assert setting == wanted


def test_values_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"network\.dropout"):
        apply_values(TrainSettings(), {"network.dropout": 2.0})


@pytest.mark.parametrize("name", list_networks())
def test_what_is_left_fits_the_network(name):
    from gaitproof.nets.options import NetworkSettings
    from gaitproof.nets.registry import create_network

    settings = TrainSettings(architecture=name)
    space = SearchSpace()
    left = space.without(unusable_parameters(space, settings))
    options = {
        key.removeprefix("network."): int(p.low or 1) if p.integer else (p.choices or (p.low,))[0]
        for key, p in left.parameters.items()
        if key.startswith("network.")
    }
    assert create_network(name, NetworkSettings(**options)).embedding_size > 1


def test_the_temperature_of_a_loss_that_is_not_used_is_not_searched():
    settings = TrainSettings(loss={"supervised_contrastive": 0, "triplet": 1})
    assert unusable_parameters(SearchSpace(), settings) == {"loss.temperature"}
