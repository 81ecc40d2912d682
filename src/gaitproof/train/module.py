"""Network, heads and losses as one Lightning module."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from gaitproof.nets.hybrid import PairHead
from gaitproof.nets.pairs import PairNetwork
from gaitproof.train import losses
from gaitproof.train.config import LossSettings, TrainSettings
from gaitproof.train.sampler import Batch, torch_seed
from gaitproof.train.state import RunState


class GaitModule(lightning.LightningModule):
    """What is trained: a network, the heads that its losses need, and how they learn.

    An encoder learns from the weighted sum of the recipe's losses; a pair network from the
    cross-entropy of its own decisions, the only loss that it can have.

    Parameters
    ----------
    network
        Encoder or `PairNetwork`.
    settings
        The recipe.
    classes
        Number of training subjects, mirrored ones included.
    state
        Where the run stands.
    """

    def __init__(
        self, network: nn.Module, settings: TrainSettings, classes: int, state: RunState
    ) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.heads = nn.ModuleDict()
        if not isinstance(network, PairNetwork):
            self.heads.update(_make_heads(settings.loss, _embedding_size(network), classes))
        self.run = state
        self.parts: dict[str, Tensor] = {}
        self.schedule: OneCycleLR | ReduceLROnPlateau | None = None

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the source of chance of the step, so that any step can be taken again."""
        torch.manual_seed(torch_seed(self.settings.seed, self.run.step, self.global_rank))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        self.parts = self.losses_of(batch)
        return torch.stack(list(self.parts.values())).sum()

    def losses_of(self, batch: Batch, *, known_people: bool = True) -> dict[str, Tensor]:
        """Return every loss of the recipe, each times its weight.

        Parameters
        ----------
        batch
            On the module's device.
        known_people
            False for people who were not trained on: they have no class, so ArcFace is left out,
            and where nothing else is left the supervised contrastive loss stands in.
        """
        if isinstance(self.network, PairNetwork):
            logits = self.network(
                batch.windows[batch.pairs[:, 0]], batch.windows[batch.pairs[:, 1]]
            )
            return {"pair": losses.pair_cross_entropy(logits.float(), batch.same)}
        embeddings = self.network(batch.windows)
        # norms and logarithms of small differences need all the digits there are
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = nn.functional.normalize(embeddings.float(), dim=1)
            return self._embedding_losses(unit, batch, known_people)

    def _embedding_losses(
        self, unit: Tensor, batch: Batch, known_people: bool
    ) -> dict[str, Tensor]:
        weights = self.settings.loss
        parts = {}
        if weights.pair:
            logits = self.heads["pair"](unit[batch.pairs[:, 0]], unit[batch.pairs[:, 1]])
            parts["pair"] = weights.pair * losses.pair_cross_entropy(logits, batch.same)
        if weights.triplet:
            parts["triplet"] = weights.triplet * losses.batch_hard_triplet(
                unit, batch.labels, weights.triplet_margin
            )
        if weights.contrastive:
            parts["contrastive"] = weights.contrastive * losses.contrastive(
                unit, batch.pairs, batch.same, weights.contrastive_margin
            )
        if weights.arcface and known_people:
            logits = self.heads["arcface"](unit, batch.labels)
            parts["arcface"] = weights.arcface * nn.functional.cross_entropy(logits, batch.labels)
        if weights.supervised_contrastive or not parts:
            parts["supervised_contrastive"] = (
                weights.supervised_contrastive or 1.0
            ) * losses.supervised_contrastive(unit, batch.labels, weights.temperature)
        return parts

    def configure_optimizers(self) -> Any:
        """Return AdamW, with the one-cycle schedule if the recipe has it.

        The plateau schedule follows the validation loss and is moved by
        `gaitproof.train.validation.Validation`.
        """
        settings = self.settings
        optimiser = torch.optim.AdamW(
            self.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        if settings.schedule.name == "plateau":
            self.schedule = ReduceLROnPlateau(
                optimiser,
                factor=settings.schedule.factor,
                patience=settings.schedule.patience,
                threshold=settings.validation.min_delta,
                threshold_mode="abs",
            )
        if settings.schedule.name != "one-cycle":
            return optimiser
        # a cycle of one step has no way up
        self.schedule = OneCycleLR(
            optimiser, settings.learning_rate, total_steps=max(settings.steps, 2)
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": self.schedule, "interval": "step"},
        }


def _make_heads(weights: LossSettings, embedding: int, classes: int) -> dict[str, nn.Module]:
    heads: dict[str, nn.Module] = {}
    if weights.pair:
        heads["pair"] = PairHead(embedding)
    if weights.arcface:
        heads["arcface"] = losses.ArcFaceHead(
            embedding, classes, weights.arcface_scale, weights.arcface_margin
        )
    return heads


def _embedding_size(network: nn.Module) -> int:
    size: Any = network.embedding_size
    return int(size)
