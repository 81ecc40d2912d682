"""Adaptation to recordings of nobody known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gaitproof.errors import ConfigError
from gaitproof.nets.options import NetworkSettings
from gaitproof.train.config import AdaptSettings, AugmentSettings, TrainSettings
from gaitproof.train.loop import train
from gaitproof.train.losses import DomainHead, mean_discrepancy, rise

CNN = TrainSettings(
    architecture="cnn",
    network=NetworkSettings(embedding=16, width=16, dropout=0.0),
    steps=40,
    people_per_batch=6,
    windows_per_person=4,
    precision="32",
    augment=AugmentSettings(yaw=20, tilt=0, depth=0, bias_noise=0, mirror=False),
)


def adapted(**changes):
    return CNN.model_copy(update={"adapt": AdaptSettings(**changes)})


@pytest.fixture
def footage(make_recordings):
    """Six people, and four others as another sensor would have them: wider and shaken."""
    rng = np.random.default_rng(0)
    others = [
        replace(r, points=r.points * (1.0, 1.0, 1.6) + rng.normal(0, 0.02, r.points.shape))
        for r in make_recordings(10, 2)[12:]
    ]
    return make_recordings(6, 2), others


def discrepancy(trained, recordings, targets):
    vectors = [
        torch.from_numpy(np.concatenate([trained.embed(r.windows) for r in part]))
        for part in (recordings, targets)
    ]
    return float(mean_discrepancy(*vectors))


def test_discrepancy_is_the_distance_of_distributions():
    rng = torch.Generator().manual_seed(0)
    one, two = torch.randn(2, 40, 3, generator=rng)
    assert float(mean_discrepancy(one, one)) == pytest.approx(0, abs=1e-6)
    near, far = (float(mean_discrepancy(one, two + shift)) for shift in (0.0, 2.0))
    assert 0 <= near < 0.1 < far
    moved = two.clone().add_(2.0).requires_grad_()
    mean_discrepancy(one, moved).backward()
    assert (moved.grad.mean(dim=0) > 0).all()  # a smaller shift is nearer


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_embeddings_of_both_domains_come_nearer(footage):
    recordings, targets = footage
    before = train(recordings, CNN)
    after = train(recordings, adapted(discrepancy=4.0), targets=targets)
    assert discrepancy(after, *footage) < 0.7 * discrepancy(before, *footage)
    # who walks in the targets is not looked at
    hidden = [replace(r, subject="nobody") for r in targets]
    again = train(recordings, adapted(discrepancy=4.0), targets=hidden)
    assert again.losses == pytest.approx(after.losses, rel=1e-4)


def test_a_reversed_gradient_is_minus_the_classifiers_own():
    torch.manual_seed(0)
    head = DomainHead(4)
    rows = torch.randn(2, 10, 4, requires_grad=True)
    plain, turned = ({}, {})
    for weight, kept in ((-1.0, plain), (0.5, turned)):  # minus one: not reversed
        loss = head(*rows, weight)
        kept["rows"], kept["head"] = torch.autograd.grad(loss, [rows, head.layers[0].weight])
        kept["loss"] = loss.detach()
    torch.testing.assert_close(turned["rows"], -0.5 * plain["rows"])
    torch.testing.assert_close(turned["head"], plain["head"])
    torch.testing.assert_close(turned["loss"], plain["loss"])
    assert [rise(0), pytest.approx(rise(1), abs=1e-4)] == [0, 1]


@pytest.mark.slow
def test_an_adversary_takes_the_domain_out_of_embeddings_and_leaves_the_class():
    rng = torch.Generator().manual_seed(0)
    rows = torch.randn(2, 96, 6, generator=rng)
    labels = torch.arange(96) % 2
    rows[:, :, 0] += 4 * labels - 2
    rows[1, :, 1] += 3  # the target, of which no labels are known

    def learn(weight):
        torch.manual_seed(1)
        encoder, classes, head = torch.nn.Linear(6, 4), torch.nn.Linear(4, 2), DomainHead(4)
        parameters = [*encoder.parameters(), *classes.parameters(), *head.parameters()]
        optimiser = torch.optim.Adam(parameters, 0.01)
        for _ in range(300):
            source, target = torch.nn.functional.normalize(encoder(rows), dim=2)
            loss = torch.nn.functional.cross_entropy(classes(source), labels)
            optimiser.zero_grad()
            (loss + head(source, target, weight)).backward()
            optimiser.step()
        with torch.no_grad():
            source, target = torch.nn.functional.normalize(encoder(rows), dim=2)
            right = (classes(target).argmax(dim=1) == labels).float().mean()
        return float(mean_discrepancy(source, target)), float(right)

    (apart, _), (near, right) = learn(-1.0), learn(1.0)  # minus one: not reversed
    assert near < 0.3 * apart
    assert right > 0.9


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_who_walks_in_an_adversarys_targets_is_not_looked_at(footage):
    recordings, targets = footage
    recipe = adapted(adversary=1.0).model_copy(update={"steps": 8})
    hidden = [replace(r, subject="nobody") for r in targets]
    once, again = (train(recordings, recipe, targets=part).losses for part in (targets, hidden))
    assert once == pytest.approx(again, rel=1e-4)
    assert once != pytest.approx(train(recordings, recipe, targets=recordings).losses, rel=1e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_batch_norm_is_that_of_the_target_and_weights_are_as_they_were(footage):
    recordings, targets = footage
    before = train(recordings, CNN).network
    after = train(recordings, adapted(norms=True), targets=targets).network
    for (name, value), other in zip(before.named_parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(value, other, msg=name)
    moved = [
        float((a - b).abs().max())
        for (name, a), b in zip(before.named_buffers(), after.buffers(), strict=True)
        if name.endswith("running_mean")
    ]
    assert moved
    assert min(moved) > 1e-3
    assert not after.training


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
@pytest.mark.parametrize(
    ("architecture", "changes", "says"),
    [
        ("cnn", {"norms": True}, "no recordings to adapt to"),
        ("gaitformer", {"norms": True}, "no batch norm"),
        ("discriminant", {"discrepancy": 1.0}, "no embedding that is learnt"),
        ("discriminant", {"adversary": 1.0}, "no embedding that is learnt"),
        ("diffcnn", {"discrepancy": 1.0}, "no embedding that is learnt"),
    ],
)
def test_what_cannot_be_adapted_is_refused(footage, architecture, changes, says):
    recordings, targets = footage
    recipe = adapted(**changes).model_copy(
        update={"architecture": architecture, "network": NetworkSettings(), "steps": 1}
    )
    with pytest.raises(ConfigError, match=says):
        train(recordings, recipe, targets=targets if architecture != "cnn" else ())
