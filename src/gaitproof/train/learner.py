"""What every training has in common: a network, its losses, and where the run stands."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau, StepLR

from gaitproof.train.config import RunSettings


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
    left_out
        What the weights that the run began with did not give the network; not kept, since it is
        found again.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best_loss: float = float("inf")
    best: dict[str, Tensor] = field(default_factory=dict)
    without_progress: int = 0
    stopped: bool = False
    left_out: tuple[str, ...] = ()

    def is_finished(self, steps: int) -> bool:
        """Tell whether nothing is left to do of a recipe of that many steps."""
        return self.stopped or self.step >= steps


class Learner(nn.Module):
    """A network that learns by AdamW, or Muon, from a sum of losses.

    Parameters
    ----------
    network
        What is trained.
    settings
        How.
    steps
        Of the whole run.
    state
        Where the run stands.

    Attributes
    ----------
    loss_names
        Names of the losses that `losses_of` may return, for the log.
    measure_names
        Names of what `take_measures` returns, for the log.
    optimiser
        What steps; it takes what `parameter_groups` returns.
    """

    loss_names: ClassVar[tuple[str, ...]]
    measure_names: ClassVar[tuple[str, ...]] = ()
    optimiser: type[torch.optim.AdamW] = torch.optim.AdamW

    def __init__(
        self, network: nn.Module, settings: RunSettings, steps: int, state: RunState
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = settings
        self.steps = steps
        self.run = state
        self.parts: dict[str, Tensor] = {}
        self.measures: dict[str, float] = {}
        self.schedule: OneCycleLR | ReduceLROnPlateau | StepLR | None = None

    @abstractmethod
    def losses_of(self, batch: Any) -> dict[str, Tensor]:
        """Return every loss of a batch on the module's device, each times its weight."""

    def validation_losses(self, batch: Any) -> dict[str, Tensor]:
        """Return the losses of a batch that is not trained on."""
        return self.losses_of(batch)

    def take_measures(self) -> dict[str, float]:
        """Return what was counted, by `measure_names`, since this was last asked for."""
        return {}

    def forward(self, batch: Any) -> Tensor:
        """Return the loss of a batch, and keep its parts for the log."""
        self.parts = self.losses_of(batch)
        return torch.stack(list(self.parts.values())).sum()

    def before_step(self) -> None:
        """Change the gradients of a step, before they are clipped."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what is learnt as the optimiser takes it; by default all at one rate."""
        return [{"params": [one for one in self.parameters() if one.requires_grad]}]

    def decay_steps(self) -> int:
        """Return the steps after which the schedule ``step`` lowers the rate."""
        return -(-self.steps // self.recipe.schedule.stages)

    def make_optimiser(self) -> torch.optim.AdamW:
        """Return the optimiser, and keep the schedule of the recipe that moves its rate.

        The plateau schedule follows the validation loss and is moved by
        `gaitproof.train.validation.Validation`, the others go by steps.
        """
        settings, plan = self.recipe, self.recipe.schedule
        optimiser = self.optimiser(
            self.parameter_groups(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        if plan.name == "plateau":
            self.schedule = ReduceLROnPlateau(
                optimiser,
                factor=plan.factor,
                patience=plan.patience,
                threshold=settings.validation.min_delta,
                threshold_mode="abs",
            )
        elif plan.name == "step":
            self.schedule = StepLR(optimiser, self.decay_steps(), plan.factor)
        elif plan.name != "constant":
            # a cycle of one step has no way up
            rates = [group["lr"] for group in optimiser.param_groups]
            self.schedule = OneCycleLR(
                optimiser, rates, total_steps=max(self.steps, 2), pct_start=plan.rise
            )
        return optimiser
