"""Network and losses of a training on silhouettes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from gaitproof.nets.silhouette import PART, SilhouetteNetwork
from gaitproof.train import losses
from gaitproof.train.learner import Learner

if TYPE_CHECKING:
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
    from gaitproof.train.silhouettes.sampler import MaskBatch
    from gaitproof.train.state import RunState


class StripLearner(Learner):
    """Every strip learns by itself who walks (Fan et al., "OpenGait", CVPR 2023).

    Batch-all triplets on the strips' vectors, cross-entropy on their normalised ones.

    Parameters
    ----------
    network
        What is trained; the directions of its embedding are fitted afterwards.
    settings
        The recipe.
    classes
        Number of training subjects.
    state
        Where the run stands.
    """

    loss_names = ("triplet", "cross_entropy")

    def __init__(
        self,
        network: SilhouetteNetwork,
        settings: SilhouetteTrainSettings,
        classes: int,
        state: RunState,
    ) -> None:
        super().__init__(network, settings, settings.steps, state)
        self.settings = settings
        self.strips = network
        network.directions.requires_grad_(False)
        self.people = nn.Parameter(torch.empty(network.head.count, PART, classes))
        nn.init.xavier_uniform_(self.people)

    def losses_of(self, batch: MaskBatch) -> dict[str, Tensor]:
        """Return both losses, each times its weight."""
        settings = self.settings
        vectors, normalised = self.strips.parts(*batch.inputs)
        # distances and logarithms need all the digits there are
        with torch.autocast(vectors.device.type, enabled=False):
            unit = functional.normalize(normalised.float(), dim=2)
            cosines = torch.einsum("bpe,pec->bcp", unit, functional.normalize(self.people, dim=1))
            targets = batch.labels[:, None].expand(-1, cosines.shape[2])
            return {
                "triplet": settings.triplet
                * losses.batch_all_triplet(
                    vectors.float().transpose(0, 1), batch.labels, settings.triplet_margin
                ),
                "cross_entropy": settings.cross_entropy
                * functional.cross_entropy(
                    settings.scale * cosines, targets, label_smoothing=settings.label_smoothing
                ),
            }
