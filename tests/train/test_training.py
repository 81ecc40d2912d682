"""One loop for every training: what a step is made of."""

import pytest
import torch
from torch import nn

from gaitproof.train.config import RunSettings, ScheduleSettings
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.learner import Learner
from gaitproof.train.stream import StepStream
from gaitproof.train.training import Training

STEPS, BATCH = 6, 12
SETTINGS = RunSettings(
    precision="32", learning_rate=0.01, schedule=ScheduleSettings(name="one-cycle")
)


class Squares(Learner):
    """Learns numbers by their squared error, on a network without batch normalisation."""

    loss_names = ("squares", "size")

    def losses_of(self, batch):
        given, wanted = batch
        output = self.network(given)
        return {"squares": ((output - wanted) ** 2).mean(), "size": 0.1 * (output**2).mean()}


class Slices(StepStream):
    """Numbers one after the other, `size` at a time."""

    def __init__(self, start, steps, size):
        super().__init__(start, steps)
        self._size = size
        source = torch.Generator().manual_seed(0)
        self._given = torch.randn(STEPS * BATCH, 5, generator=source)

    def __getitem__(self, step):
        given = self._given[step * self._size : (step + 1) * self._size]
        return given, given.sin().sum(dim=1, keepdim=True)


def learn(size, accumulate, seen=None):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 16), nn.GELU(), nn.Linear(16, 1))
    training = Training(lambda: None, trainer_options=TrainerSettings(accelerator="cpu"))
    learner = Squares(network, SETTINGS, STEPS, training.state)
    training.run(
        learner,
        lambda rank, devices: Slices(0, STEPS * accumulate, size),
        accumulate=accumulate,
        watcher=seen,
    )
    return network.state_dict(), training.state


@pytest.mark.slow
@pytest.mark.parametrize("parts", [2, 3, 12])
def test_so_many_parts_of_a_batch_teach_what_the_batch_teaches(parts):
    logged = []
    whole, state = learn(BATCH, 1)
    weights, accumulated = learn(
        BATCH // parts,
        parts,
        lambda learner: logged.append(float(sum(learner.parts.values()))),
    )
    assert accumulated.step == STEPS
    assert accumulated.losses == pytest.approx(state.losses, rel=1e-5)
    assert logged == pytest.approx(state.losses, rel=1e-5)
    for name, value in whole.items():
        torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-5)
    # smaller batches alone teach something else
    other, _ = learn(BATCH // parts, 1)
    assert not all(torch.allclose(other[name], whole[name], atol=1e-3) for name in whole)
