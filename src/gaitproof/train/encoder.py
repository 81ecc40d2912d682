"""A trained gait network on torch: what it says of windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gaitproof.errors import InputError
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.pairs import PairNetwork
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
