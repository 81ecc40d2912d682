"""Discriminants in closed form, against scikit-learn and against what they must ignore."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.nets.discriminant import (
    BlendedEncoder,
    DiscriminantEncoder,
    SpreadBlend,
    SpreadEncoder,
)
from gaitproof.nets.options import NetworkSettings
from gaitproof.train.config import (
    AugmentSettings,
    DiscriminantSettings,
    TrainSettings,
)
from gaitproof.train.discriminant import closed_form_parts, gradient_part
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.loop import train

CPU = TrainerSettings(accelerator="cpu")
SETTINGS = TrainSettings(
    architecture="discriminant",
    network=NetworkSettings(embedding=8, width=8),
    augment=AugmentSettings(mirror=False),
    discriminant=DiscriminantSettings(hop=5, shrinkage=1e-6),
)


def walks(people: range, source: str = "sticks", shift: float = 0.0) -> list[Recording]:
    """Return two walks of each stick walker; `shift` bends what this "sensor" sees."""
    recordings = []
    for person in people:
        for walk in range(2):
            times, points = walking_points(person, walk)
            points[:, 4:6, 2] += shift
            recordings.append(
                Recording(
                    subject=f"p{person}",
                    recording=f"p{person}/{walk}",
                    condition="",
                    view="",
                    source=source,
                    times=times,
                    points=points,
                )
            )
    return recordings


def vectors(encoder: TrainedEncoder, recordings: list[Recording]) -> np.ndarray:
    return np.stack([encoder.embed(r.windows).mean(axis=0) for r in recordings])


@pytest.mark.slow
def test_people_never_seen_are_told_apart() -> None:
    encoder = train(walks(range(12)), SETTINGS, trainer_options=CPU)
    rows = vectors(encoder, walks(range(20, 28)))
    cosines = rows[0::2] @ rows[1::2].T
    assert (cosines.argmax(axis=1) == np.arange(8)).mean() >= 0.85
    assert not encoder.losses


@pytest.mark.slow
def test_directions_span_those_of_scikit_learn() -> None:
    recordings = walks(range(5))
    encoder = train(recordings, SETTINGS, trainer_options=CPU)
    network = encoder.network
    assert isinstance(network, DiscriminantEncoder)
    rows, labels = [], []
    for recording in recordings:
        starts = range(0, len(recording.points) - 59, 5)
        for start in starts:
            part = replace(
                recording,
                times=recording.times[start : start + 60],
                points=recording.points[start : start + 60],
            )
            inputs = encoder.normaliser(part.windows.features, part.windows.mask)
            with torch.inference_mode():
                rows.append(network.moments(torch.from_numpy(inputs))[0].numpy())
            labels.append(recording.subject)
    table = (np.array(rows, np.float64) - network.centre.numpy()) / network.scale.numpy()
    reference = LinearDiscriminantAnalysis(solver="eigen", shrinkage=1e-4, n_components=4)
    theirs = reference.fit(table, labels).transform(table)
    ours = table @ network.directions.detach().double().numpy()[:, :4]
    for column in range(4):
        target = ours[:, column] - ours[:, column].mean()
        fitted, *_ = np.linalg.lstsq(theirs - theirs.mean(axis=0), target, rcond=None)
        left = target - (theirs - theirs.mean(axis=0)) @ fitted
        assert (left**2).sum() < 0.05 * (target**2).sum()


@pytest.mark.slow
def test_what_tells_two_sensors_apart_does_not_tell_people_apart() -> None:
    both = walks(range(8), "one") + walks(range(8, 16), "other", shift=0.2)
    encoder = train(both, SETTINGS, trainer_options=CPU)
    seen_by_one = vectors(encoder, walks(range(30, 36)))
    seen_by_other = vectors(encoder, walks(range(30, 36), shift=0.2))
    mated = (seen_by_one * seen_by_other).sum(axis=1)
    assert mated.min() > 0.8


@pytest.mark.slow
def test_unused_directions_are_zero_and_harmless() -> None:
    encoder = train(walks(range(3)), SETTINGS, trainer_options=CPU)
    network = encoder.network
    assert isinstance(network, DiscriminantEncoder)
    assert (network.directions[:, :2].abs().sum(dim=0) > 0).all()
    assert (network.directions[:, 2:] == 0).all()
    rows = vectors(encoder, walks(range(3)))
    assert np.isfinite(rows).all()


@pytest.mark.slow
def test_mirrored_people_are_further_people() -> None:
    settings = SETTINGS.model_copy(update={"augment": AugmentSettings(mirror=True)})
    network = train(walks(range(3)), settings, trainer_options=CPU).network
    assert isinstance(network, DiscriminantEncoder)
    assert (network.directions[:, :5].abs().sum(dim=0) > 0).all()
    assert (network.directions[:, 5:] == 0).all()


def test_one_person_is_not_enough() -> None:
    with pytest.raises(InputError, match="two subjects"):
        train(walks(range(1)), SETTINGS, trainer_options=CPU)


@pytest.mark.slow
def test_a_blend_trains_its_network_and_fits_its_discriminants() -> None:
    settings = TrainSettings(
        architecture="blend",
        network=NetworkSettings(embedding=16, layers=1, width=16),
        steps=3,
        people_per_batch=4,
        windows_per_person=2,
        precision="32",
        augment=AugmentSettings(mirror=False),
    )
    encoder = train(walks(range(5)), settings, trainer_options=CPU)
    assert len(encoder.losses) == 3
    network = encoder.network
    assert isinstance(network, BlendedEncoder)
    assert closed_form_parts(network) == [network.discriminant]
    assert gradient_part(network) is network.network
    alone = train(
        walks(range(5)),
        settings.model_copy(
            update={
                "architecture": "discriminant",
                "network": NetworkSettings(embedding=8, width=45),
            }
        ),
        trainer_options=CPU,
    ).network
    assert isinstance(alone, DiscriminantEncoder)
    torch.testing.assert_close(network.discriminant.directions, alone.directions)


SPREAD = SETTINGS.model_copy(
    update={"architecture": "spread", "network": NetworkSettings(embedding=8)}
)


@pytest.mark.slow
def test_spreads_ignore_feet_and_how_joints_are_held() -> None:
    network = train(walks(range(4)), SPREAD, trainer_options=CPU).network
    assert isinstance(network, SpreadEncoder)
    x = torch.randn(3, 60, 78)
    other = x.clone()
    unused = sorted(set(range(78)) - set(network.used.tolist()))
    other[:, :, unused] = 0  # a sensor that ends at the ankles
    other += torch.randn(3, 1, 78)  # offsets of joints, as another estimator has
    torch.testing.assert_close(network(x), network(other), atol=1e-4, rtol=0)


@pytest.mark.slow
def test_offsets_between_sensors_count_as_told() -> None:
    both = walks(range(8), "one") + walks(range(8, 16), "other", shift=0.2)
    cosines = []
    for weight in (0.0, 20.0):
        chosen = SETTINGS.discriminant.model_copy(update={"offsets": weight})
        settings = SETTINGS.model_copy(update={"discriminant": chosen})
        encoder = train(both, settings, trainer_options=CPU)
        rows = [vectors(encoder, walks(range(30, 36), shift=shift)) for shift in (0.0, 0.2)]
        cosines.append((rows[0] * rows[1]).sum(axis=1).mean())
    assert cosines[1] > cosines[0]


@pytest.mark.slow
def test_a_spread_blend_is_both_closed_forms_equally_long() -> None:
    settings = SETTINGS.model_copy(
        update={
            "architecture": "spread-blend",
            "network": NetworkSettings(embedding=96, width=8),
        }
    )
    encoder = train(walks(range(4)), settings, trainer_options=CPU)
    network = encoder.network
    assert isinstance(network, SpreadBlend)
    assert gradient_part(network) is None
    assert closed_form_parts(network) == [network.spreads, network.moments]
    rows = encoder.embed(walks(range(4, 5))[0].windows)
    assert np.allclose(np.linalg.norm(rows[:, :48], axis=1), np.sqrt(0.5), atol=1e-5)
