"""Muon: matrices of weights go the same way in all directions at once.

Momentum that is made nearly orthogonal before it is stepped along (Jordan et al., "Muon: An
optimizer for hidden layers in neural networks", 2024; Bernstein and Newhouse, "Old Optimizer, New
Norm", arXiv:2409.20325). PyTorch's own takes no convolutions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

MOMENTUM: Final = 0.95
FASTER: Final = 10.0
"""The rate of orthogonal steps over AdamW's, whose single weights all move by about the rate."""

_QUINTIC: Final = (3.4445, -4.7750, 2.0315)
"""Coefficients of Newton and Schulz's iteration that take singular values from 0.01 to 1 to
somewhere about 1 in five rounds (Jordan et al.)."""
_ROUNDS: Final = 5
_LEAST: Final = 1e-7


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return the nearly orthogonal matrices with the same singular vectors.

    Parameters
    ----------
    matrices
        Shape (..., M, N), full precision.

    Returns
    -------
    Tensor
        Same shape; singular values between 0.6 and 1.3, but for those that were next to 0.
    """
    wide = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + _LEAST)
    tall = wide.shape[-2] > wide.shape[-1]
    if tall:
        wide = wide.mT
    first, third, fifth = _QUINTIC
    for _ in range(_ROUNDS):
        square = wide @ wide.mT
        wide = first * wide + (third * square + fifth * square @ square) @ wide
    result: Tensor = wide.mT if tall else wide
    return result


class Muon(torch.optim.AdamW):
    """AdamW that steps the parameters of groups with ``orthogonal: True`` by Muon instead.

    Parameters of such a group are matrices (..., M, N), or the kernels (O, I, H, W) of
    convolutions, taken as (O, I * H * W); no weight decay.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Step all parameters that have a gradient; those of orthogonal groups lose it."""
        for group in self.param_groups:
            if not group.get("orthogonal", False):
                continue
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    # AdamW asks restored parameters for their step
                    state["step"] = torch.zeros(())
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
                ahead = parameter.grad.lerp(state["momentum"], MOMENTUM).float()
                if ahead.ndim == 4:
                    ahead = ahead.flatten(1)
                taller = max(1.0, ahead.shape[-2] / ahead.shape[-1]) ** 0.5
                change = orthogonalised(ahead).reshape(parameter.shape)
                parameter.add_(change, alpha=-group["lr"] * taller)
                # AdamW passes over what has no gradient
                parameter.grad = None
        return super().step(closure)
