"""Network, heads and losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gaitproof.nets.hybrid import PairHead
from gaitproof.nets.pairs import PairNetwork
from gaitproof.train import losses
from gaitproof.train.config import LossSettings, TrainSettings
from gaitproof.train.learner import Learner
from gaitproof.train.sampler import Batch
from gaitproof.train.state import RunState
from gaitproof.train.style import mix_styles


class GaitModule(Learner):
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

    loss_names = ("supervised_contrastive", "pair", "triplet", "contrastive", "arcface")

    def __init__(
        self, network: nn.Module, settings: TrainSettings, classes: int, state: RunState
    ) -> None:
        super().__init__(network, settings, settings.steps, state)
        self.settings = settings
        self.heads = nn.ModuleDict()
        if not isinstance(network, PairNetwork):
            self.heads.update(_make_heads(settings.loss, _embedding_size(network), classes))

    def forward(self, batch: Batch) -> Tensor:
        """Return the loss of a batch, its styles mixed where the recipe asks for it."""
        share = self.settings.augment.style
        if share:
            batch = batch._replace(windows=mix_styles(batch.windows, share))
        return super().forward(batch)

    def validation_losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of people who were not trained on."""
        return self.losses_of(batch, known_people=False)

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
