"""A gait network on torch: learning, and what it says of windows."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gaitproof.errors import InputError
from gaitproof.nets.hybrid import PairHead
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.pairs import PairNetwork
from gaitproof.train import losses
from gaitproof.train.config import TrainSettings
from gaitproof.train.learner import Learner, RunState
from gaitproof.train.sampler import Batch
from gaitproof.types import GaitWindows
from gaitproof.types.windows import N_FEATURES

_BATCH = 512


@dataclass
class TrainedEncoder:
    """A network with its normaliser, on torch.

    Parameters
    ----------
    network
        On the CPU.
    normaliser
        What the network's windows go through first.
    losses
        Of every step.
    validation
        Step and loss of every validation; the network is that of the least loss.
    left_out
        Tensors of the network that the weights named by `start` did not give it.
    """

    network: nn.Module
    normaliser: Normaliser
    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    left_out: tuple[str, ...] = ()

    @property
    def is_pair_network(self) -> bool:
        """Whether windows are compared by `compare` and have no embeddings."""
        return isinstance(self.network, PairNetwork)

    def embed(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return one unit embedding per window, shape (N, E).

        For a pair network: the normalised windows themselves, shape (N, frames * 78).
        """
        inputs = self.normaliser(windows.features, windows.mask, windows.lengths)
        if self.is_pair_network:
            return inputs.reshape(len(inputs), -1)
        self.network.eval()
        with torch.inference_mode():
            parts = [self.network(part) for part in torch.split(torch.from_numpy(inputs), _BATCH)]
        return torch.cat(parts).numpy()

    def compare(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
        """Compare windows with a pair network.

        Parameters
        ----------
        a, b
            Of `embed`, shapes (P, frames * 78) and (C, frames * 78).

        Returns
        -------
        ndarray of float64
            Shape (P, C): logit of "same" minus logit of "different", the mean of both orders; NaN
            where either window is.

        Raises
        ------
        InputError
            If the network is an encoder.
        """
        if not isinstance(self.network, PairNetwork):
            raise InputError(
                "An encoder does not compare pairs of windows.",
                hint="compare its embeddings by their cosine",
            )
        self.network.eval()
        shape = (-1, self.normaliser.frames, N_FEATURES)
        left, right = (torch.tensor(rows, dtype=torch.float32).reshape(shape) for rows in (a, b))
        scores = np.empty((len(left), len(right)))
        flat = scores.reshape(-1)
        with torch.inference_mode():
            for start in range(0, flat.size, _BATCH):
                pair = torch.arange(start, min(start + _BATCH, flat.size))
                one, two = left[pair // len(right)], right[pair % len(right)]
                orders = self.network.same_minus_different(one, two)
                orders = orders + self.network.same_minus_different(two, one)
                flat[start : start + len(pair)] = (orders / 2).numpy()
        scores[np.isnan(a).any(axis=1)] = np.nan
        scores[:, np.isnan(b).any(axis=1)] = np.nan
        return scores


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

    def after_step(self, normaliser: Normaliser, learner: Learner) -> None:
        """Look, if it is time."""
        step = learner.run.step
        if step % self.every or step >= learner.steps:
            return
        # a copy, so that the run goes on as if nobody had looked
        network = deepcopy(learner.network).cpu().eval()
        self.look(step, TrainedEncoder(network, normaliser))


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

    loss_names = (
        "supervised_contrastive",
        "pair",
        "triplet",
        "contrastive",
        "arcface",
        "discrepancy",
        "adversary",
    )

    def __init__(
        self, network: nn.Module, settings: TrainSettings, classes: int, state: RunState
    ) -> None:
        super().__init__(network, settings, settings.steps, state)
        self.settings = settings
        self.heads = nn.ModuleDict()
        if not isinstance(network, PairNetwork):
            self.heads.update(_make_heads(settings, _embedding_size(network), classes))

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
        windows = batch.windows
        if len(batch.target):  # together, so that batch norm sees both
            windows = torch.cat([windows, batch.target])
        embeddings = self.network(windows)
        # norms and logarithms of small differences need all the digits there are
        with torch.autocast(embeddings.device.type, enabled=False):
            both = nn.functional.normalize(embeddings.float(), dim=1)
            unit, target = torch.split(both, [len(batch.windows), len(batch.target)])
            parts = self._embedding_losses(unit, batch, known_people)
            if len(target):
                done = self.run.step / self.steps
                parts |= losses.domain_losses(unit, target, self.settings.adapt, self.heads, done)
            return parts

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


def _make_heads(settings: TrainSettings, embedding: int, classes: int) -> dict[str, nn.Module]:
    heads: dict[str, nn.Module] = {}
    weights = settings.loss
    if weights.pair:
        heads["pair"] = PairHead(embedding)
    if weights.arcface:
        heads["arcface"] = losses.ArcFaceHead(
            embedding, classes, weights.arcface_scale, weights.arcface_margin
        )
    if settings.adapt.adversary:
        heads["domain"] = losses.DomainHead(embedding)
    return heads


def _embedding_size(network: nn.Module) -> int:
    size: Any = network.embedding_size
    return int(size)


_CONCENTRATION: Final = 0.1
"""Of the beta distribution that shares come from (the paper's): mostly near 0 or 1."""
_LEAST: Final = 1e-6


def mix_styles(windows: Tensor, share: float) -> Tensor:
    """Mix level and spread of windows with those of others in the batch.

    Zhou, Yang, Qiao and Xiang, "Domain Generalization with MixStyle", ICLR 2021; here of the
    features themselves, whose level and spread over the window are what sensors differ in most.

    Parameters
    ----------
    windows
        Shape (B, frames, F), z-scored. A feature that a sensor lacks is 0 throughout, and stays so.
    share
        Probability of every window to be mixed, 0 to 1.

    Returns
    -------
    Tensor
        Same shape.
    """
    count = len(windows)
    level = windows.mean(dim=1, keepdim=True)
    spread = windows.std(dim=1, keepdim=True, unbiased=False)
    partner = torch.randperm(count, device=windows.device)
    concentration = torch.full((count, 1, 1), _CONCENTRATION, device=windows.device)
    own = torch.distributions.Beta(concentration, concentration).sample()
    own = torch.where(torch.rand_like(own) < share, own, torch.ones_like(own))
    known = (spread > _LEAST) & (spread[partner] > _LEAST)
    mixed = (windows - level) / spread.clamp_min(_LEAST)
    mixed = mixed * (own * spread + (1 - own) * spread[partner])
    mixed = mixed + own * level + (1 - own) * level[partner]
    return torch.where(known, mixed, windows)
