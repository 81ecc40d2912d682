"""Adaptation of networks for faces to stores without labels."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn_stores import drawn_store, paint
from pydantic import ValidationError

from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.nets.face.registry import FaceNetworkSettings
from gaitproof.train.face.adapt import TargetFaces
from gaitproof.train.face.config import FaceAdaptSettings, FaceTrainSettings
from gaitproof.train.face.loop import train_faces
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.losses import mean_discrepancy

RECIPE = FaceTrainSettings(
    architecture="compact",
    network=FaceNetworkSettings(width=8),
    alignment=AlignmentSettings(size=48, margin=0.1),
    forgeries="labelled",
    damaged=0,
    batch=6,
    epochs=1,
    pictures_per_epoch=36,
    learning_rate=3e-3,
    schedule={"name": "one-cycle"},
    precision="32",
)


def adapted(**changes):
    return RECIPE.model_copy(update={"adapt": FaceAdaptSettings(**changes)})


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """People to learn from, and the same people in images of fewer pixels."""
    folder = tmp_path_factory.mktemp("stores")
    sizes = {"sharp": 160, "small": 40}
    return [drawn_store(folder / n, 8, change=paint, size=size) for n, size in sizes.items()]


def fit(stores, recipe):
    options = TrainerSettings(accelerator="cpu")
    return train_faces(stores[:1], recipe, targets=stores[1:], trainer_options=options)


def apart(stores, network):
    """Return how far the vectors of both stores' faces are apart."""
    crops = [
        TargetFaces([store], RECIPE).draw(np.random.default_rng(0), 24, plain=True)
        for store in stores
    ]
    with torch.inference_mode():
        maps = [network.features(network.normalise(part)).mean(dim=(2, 3)) for part in crops]
        return float(mean_discrepancy(*(torch.nn.functional.normalize(m, dim=1) for m in maps)))


@pytest.mark.slow
def test_both_stores_come_nearer_and_batch_norm_is_that_of_the_target(stores):
    before = fit(stores, RECIPE)
    after = fit(stores, adapted(discrepancy=4.0))
    assert apart(stores, after.network) < 0.7 * apart(stores, before.network)
    turned = fit(stores, adapted(adversary=1.0))
    assert turned.losses[0] != pytest.approx(before.losses[0], rel=1e-3)
    measured = fit(stores, adapted(norms=True))
    assert measured.losses == pytest.approx(before.losses, rel=1e-4)
    for value, other in zip(
        before.network.parameters(), measured.network.parameters(), strict=True
    ):
        torch.testing.assert_close(value, other)
    assert apart(stores, measured.network) != pytest.approx(apart(stores, before.network), rel=0.01)


def test_what_targets_are_labelled_is_not_looked_at(stores):
    clips = stores[1].of_split("train")
    flipped = [
        replace(one, clip=replace(one.clip, label=label.REAL, manipulation="original"))
        for one in clips
        for label in [type(one.clip.label)]
    ]
    hidden = SimpleNamespace(of_split=lambda split: flipped, read=stores[1].read)
    one, other = (
        TargetFaces([store], RECIPE).draw(np.random.default_rng(3), 6)
        for store in (stores[1], hidden)
    )
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("changes", "targets", "says"),
    [
        ({"adapt": FaceAdaptSettings(norms=True)}, 1, "no faces to adapt to"),
        (
            {"adapt": FaceAdaptSettings(discrepancy=1.0), "architecture": "multi-attentional"},
            2,
            "one vector",
        ),
    ],
)
def test_what_cannot_be_adapted_is_refused(stores, changes, targets, says):
    recipe = RECIPE.model_copy(update={"network": FaceNetworkSettings(), **changes})
    with pytest.raises(ConfigError, match=says):
        fit(stores[:targets], recipe)


def test_networks_of_clips_are_refused():
    with pytest.raises(ValidationError, match="single images"):
        FaceTrainSettings(frames=4, adapt=FaceAdaptSettings(norms=True))
