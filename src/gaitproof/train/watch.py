"""Looking at a network while it is trained, e.g. to give a hopeless run up."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as lightning

from gaitproof.nets.normaliser import Normaliser
from gaitproof.train.loop import TrainedEncoder
from gaitproof.train.module import GaitModule


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


class Watcher(lightning.Callback):
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

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Look, if it is time."""
        assert isinstance(pl_module, GaitModule)
        step = pl_module.run.step
        if step % self._watch.every or step >= pl_module.steps:
            return
        # a copy, so that the run goes on as if nobody had looked
        network = deepcopy(pl_module.network).cpu().eval()
        self._watch.look(step, TrainedEncoder(network, self._normaliser))
