"""One training run: walks in, encoder out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gaitproof.errors import InputError
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.pairs import PairNetwork
from gaitproof.train.dimensions import check_dimensions
from gaitproof.types import GaitWindows
from gaitproof.types.windows import N_FEATURES

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.hardware import TrainerSettings
    from gaitproof.train.watch import Watch

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
    """

    network: nn.Module
    normaliser: Normaliser
    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)

    @property
    def is_pair_network(self) -> bool:
        """Whether windows are compared by `compare` and have no embeddings."""
        return isinstance(self.network, PairNetwork)

    def embed(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return one unit embedding per window, shape (N, E).

        For a pair network: the normalised windows themselves, shape (N, frames * 78).
        """
        inputs = self.normaliser(windows.features, windows.mask)
        if self.is_pair_network:
            return inputs.reshape(len(inputs), -1)
        self.network.eval()
        with torch.inference_mode():
            parts = [self.network(part) for part in torch.split(torch.from_numpy(inputs), _BATCH)]
        result: NDArray[np.float32] = torch.cat(parts).numpy()
        return result

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
                flat[start : start + len(pair)] = _mean_of_orders(self.network, one, two).numpy()
        scores[np.isnan(a).any(axis=1)] = np.nan
        scores[:, np.isnan(b).any(axis=1)] = np.nan
        return scores


def _mean_of_orders(network: PairNetwork, a: Tensor, b: Tensor) -> Tensor:
    return (network.same_minus_different(a, b) + network.same_minus_different(b, a)) / 2


def train(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None] | None = None,
    *,
    run_folder: Path | None = None,
    resume: bool = True,
    trainer_options: TrainerSettings | None = None,
    watch: Watch | None = None,
) -> TrainedEncoder:
    """Train an encoder with identity batches; the same seed gives the same weights.

    AdamW on the recipe's schedule and losses, by Lightning. The caller's sources of chance are
    left alone.

    Parameters
    ----------
    recordings
        Walks of the training subjects only.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    run_folder
        Where checkpoints and logs go (``checkpoint.safetensors``, ``metrics.csv``,
        ``tensorboard/``); None keeps none.
    resume
        Go on from the checkpoint in `run_folder`, if there is one; the result is that of a run
        that was never stopped. Else the run starts again.
    trainer_options
        Devices; by default one, the fastest there is.
    watch
        Looks at the network between steps, and may end the run by raising.

    Returns
    -------
    TrainedEncoder
        With the loss of every step.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    ConfigError
        If the checkpoint is of another recipe or other walks, the devices are not there or cannot
        compute in the recipe's precision, too few subjects are left for a validation set, the
        walks do not pass `gaitproof.train.dimensions.check_dimensions`, or the loss is no longer a
        number.
    ModelError
        If there is no such network, or it cannot have such sizes.
    """
    check_dimensions(settings, recordings)
    # Lightning takes two seconds to load, which those who only embed need not wait for
    from gaitproof.train.engine import fit
    from gaitproof.train.hardware import TrainerSettings

    network, normaliser, run = fit(
        recordings,
        settings,
        progress,
        run_folder,
        resume,
        trainer_options or TrainerSettings(),
        watch,
    )
    return TrainedEncoder(network, normaliser, run.losses, run.validation)
