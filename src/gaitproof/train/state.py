"""Where a training run stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class RunState:
    """What a run has done, beside the weights and the optimiser's moments.

    There is no random state in it: every step draws from sources of its own, see
    `gaitproof.train.sampler.random_source`.

    Parameters
    ----------
    step
        Steps taken.
    losses
        Loss of every step.
    validation
        Step and loss of every validation.
    best_loss, best
        Least validation loss and the network's weights then; empty before the first validation.
    without_progress
        Validations since then.
    stopped
        Whether validation has ended the run.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best_loss: float = float("inf")
    best: dict[str, Tensor] = field(default_factory=dict)
    without_progress: int = 0
    stopped: bool = False

    def is_finished(self, steps: int) -> bool:
        """Tell whether nothing is left to do of a recipe of that many steps."""
        return self.stopped or self.step >= steps
