"""Crops changed by what a network itself would be fooled by, within a bound."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import FaceNetwork


def perturb(
    network: FaceNetwork,
    crops: Tensor,
    labels: Tensor,
    present: Tensor | None = None,
    *,
    radius: float,
    steps: int,
    random_start: bool = True,
) -> Tensor:
    """Change crops so that the cross-entropy of their true labels rises.

    One step without a random start is the fast gradient sign method (Goodfellow et al., ICLR 2015),
    one with it what Wong et al. (ICLR 2020) train with, several are projected gradient descent
    (Madry et al., ICLR 2018). The network's weights get no gradient.

    Parameters
    ----------
    network
        In whatever mode it is.
    crops
        Shape (N, S, S, 3), or (N, T, S, S, 3) for a network of clips; uint8.
    labels
        Shape (N,).
    present
        As `gaitproof.nets.face.base.ClipNetwork` takes it.
    radius
        Most by which a colour may change, grey levels of 255.
    steps
        How often the gradient is followed.
    random_start
        Whether the first step begins anywhere within the bound.

    Returns
    -------
    Tensor
        uint8, same shape.
    """
    own = crops.float()
    pace = 2.5 * radius / steps if steps > 1 else radius * (1.25 if random_start else 1.0)
    changed = own
    if random_start:
        changed = (own + radius * (2 * torch.rand_like(own) - 1)).clamp(0, 255)
    for _ in range(steps):
        changed = changed.detach().requires_grad_()
        with torch.enable_grad():
            seen = network.normalise(changed)
            logits = network(seen) if present is None else network(seen, present)
            loss = nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, changed)
        moved = changed + pace * gradient.sign()
        changed = torch.maximum(torch.minimum(moved, own + radius), own - radius).clamp(0, 255)
    return changed.detach().round().to(torch.uint8)
