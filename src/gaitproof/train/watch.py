"""Looking at a network while it is trained, e.g. to give a hopeless run up."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from gaitproof.nets.normaliser import Normaliser
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.learner import Learner


@dataclass(frozen=True)
class Watch:
    """When to look, and what to do then.

    Parameters
    ----------
    every
        Steps between looks, at least 1; there is none after the last step.
    look
        Given the steps taken and a copy of the network as it is; what it raises ends the run.
    """

    every: int
    look: Callable[[int, TrainedEncoder], None]


class Watcher:
    """Carries a `Watch` out.

    Parameters
    ----------
    watch
        When, and what.
    normaliser
        Of the run.
    """

    def __init__(self, watch: Watch, normaliser: Normaliser) -> None:
        self._watch, self._normaliser = watch, normaliser

    def after_step(self, learner: Learner) -> None:
        """Look, if it is time."""
        step = learner.run.step
        if step % self._watch.every or step >= learner.steps:
            return
        # a copy, so that the run goes on as if nobody had looked
        network = deepcopy(learner.network).cpu().eval()
        self._watch.look(step, TrainedEncoder(network, self._normaliser))
