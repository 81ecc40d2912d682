"""A training on silhouettes: walks in, network out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gaitproof.data.gait.load import PairedRecording
from gaitproof.nets.registry import create_network, signal_of
from gaitproof.nets.silhouette import PART, EnergyBlend, EnergyDiscriminant, SilhouetteNetwork
from gaitproof.train import losses
from gaitproof.train.checkpoint import Identity
from gaitproof.train.hardware import undisturbed
from gaitproof.train.learner import Learner
from gaitproof.train.optimiser import FASTER, Muon
from gaitproof.train.silhouettes.discriminant import fit_discriminant, fit_whitening
from gaitproof.train.silhouettes.sampler import MaskStream, PairedStream
from gaitproof.train.stream import Stream, torch_seed
from gaitproof.train.training import RunOptions, Training

if TYPE_CHECKING:
    from gaitproof.data.gait.silhouettes import SilhouetteRecording
    from gaitproof.train.learner import RunState
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
    from gaitproof.train.silhouettes.sampler import MaskBatch


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
        if settings.optimiser == "muon":
            self.optimiser = Muon

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return convolutions and projections apart from the rest, where Muon steps them."""
        if self.optimiser is not Muon:
            return super().parameter_groups()
        kernels = [one.weight for one in self.strips.modules() if isinstance(one, nn.Conv2d)]
        matrices = [*kernels, self.strips.head.projection]
        own = set(map(id, matrices))
        [group] = super().parameter_groups()
        rest = [one for one in group["params"] if id(one) not in own]
        rate = FASTER * self.recipe.learning_rate
        return [{"params": rest}, {"params": matrices, "lr": rate, "orthogonal": True}]

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


def train_silhouettes(
    recordings: Sequence[SilhouetteRecording | PairedRecording],
    settings: SilhouetteTrainSettings,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    **run: Unpack[RunOptions],
) -> nn.Module:
    """Train a network on silhouettes; the same seed gives the same weights.

    Parameters
    ----------
    recordings
        Walks of the training subjects only, of the kind that the network reads.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    **run
        See `gaitproof.train.training.RunOptions`.

    Returns
    -------
    torch.nn.Module
        On the CPU in evaluation mode, the directions of its embedding fitted.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    ConfigError
        If the checkpoint is of another recipe or other walks, the devices are not there, or the
        loss is no longer a number.
    """
    kind: Any = PairedStream if signal_of(settings.architecture) == "both" else MaskStream
    stream = partial(kind, recordings, settings)
    everything = stream()
    training = Training(lambda: Identity.of(recordings, settings), **run)
    with undisturbed():
        torch.manual_seed(torch_seed(settings.seed, stream=Stream.WEIGHTS))
        network = create_network(settings.architecture, settings.network)
        closed = network.discriminant if isinstance(network, EnergyBlend) else network
        if isinstance(closed, EnergyDiscriminant):
            fit_discriminant(closed, everything, settings.discriminant_windows)
        learner = network.network if isinstance(network, EnergyBlend) else network
        if not isinstance(learner, SilhouetteNetwork):
            return network.eval()
        module = StripLearner(learner, settings, everything.n_labels, training.state)
        training.run(module, partial(stream, training.state.step), progress=progress)
    network.cpu().eval()
    # the window in the middle of every walk
    fit_whitening(
        learner,
        (
            (f"{walk.source}:{walk.subject}", windows.select(np.array([len(windows) // 2])))
            for walk in recordings
            if len(windows := walk.windows)
        ),
    )
    return network
