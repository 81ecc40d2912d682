"""SPOSGait: cells of graph convolutions, each chosen by a search (torch; training only)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any, Final

import torch
from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.nets.graph import GraphBlock
from gaitproof.nets.layers import (
    FeatureEncoder,
    at_rate,
    initialise,
    mean_over_time,
    peak_over_time,
)
from gaitproof.nets.skeleton import half_rate

ALL_CELLS: Final = "all"
"""In place of a path: the super-network of all of them."""

DEPTH: Final = 4
"""Cells of the super-network."""

CANDIDATES: Final = tuple(product(("distance", "parts"), (3, 5, 9)))
"""What a cell may be, by its digit: neighbourhoods by distance or within body parts, and frames of
the temporal convolution."""


class SPOSGait(FeatureEncoder):
    """Graph cells in a row, of one kind each or, in the super-network, of all kinds.

    Guo, Zhu, Yang, Lin, Huang, Deng, Huang, Zhou, Lu, "Gait recognition in the wild: a large-scale
    benchmark and NAS-based baseline", 2022 (arXiv 2205.02692), which searches by single paths (Guo,
    Zhang, Mu, Heng, Liu, Wei, Sun, "Single path one-shot neural architecture search with uniform
    sampling", ECCV 2020): in every step of its training the super-network is one path, each cell of
    a kind drawn uniformly; the search then tries paths with the weights they share
    (`gaitproof.modelling.cells`), and the best is trained anew. Here: cells of graph convolutions
    on joints instead of blocks on silhouettes, four of them at half the frame rate, and one stage.

    Parameters
    ----------
    cells
        A digit below 6 per cell (`CANDIDATES`), or `ALL_CELLS`.
    width
        Channels of the cells.

    Attributes
    ----------
    path
        Kind of every cell of the super-network; None draws one while it is trained.
    """

    def __init__(self, *, cells: str, **sizes: Any) -> None:
        if cells != ALL_CELLS and not re.fullmatch(rf"[0-{len(CANDIDATES) - 1}]{{1,12}}", cells):
            raise ModelError(
                "The cells of sposgait are no path.",
                expected=f"1 to 12 digits from 0 to {len(CANDIDATES) - 1}, one for each cell",
                actual=repr(cells),
            )
        self._cells = cells
        self.path: Sequence[int] | None = None
        super().__init__(**sizes)

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        body = self.skeleton
        graphs = {
            "distance": body.adjacency(2),
            "parts": torch.cat([body.adjacency(1), body.part_adjacency()[None]]),
        }
        whole = self._cells == ALL_CELLS
        kinds = [CANDIDATES] * DEPTH if whole else [[CANDIDATES[int(one)]] for one in self._cells]
        if not whole:
            self.path = [0] * len(kinds)
        self.descriptors = nn.BatchNorm2d(10)
        self.enter = GraphBlock(10, width, body.adjacency(1), stride=2)
        self.cells = nn.ModuleList(
            nn.ModuleList(
                GraphBlock(width, width, graphs[name], dropout=dropout, reduction=2, taps=taps)
                for name, taps in candidates
            )
            for candidates in kinds
        )
        self.head = nn.Linear(2 * width, embedding)
        self.apply(initialise)

    @property
    def maps(self) -> nn.Module:
        """What puts out the last convolution over time, (B, C, T, J), as Grad-CAM needs it."""
        candidates: Any = self.cells[-1]
        return candidates[0 if self.path is None else self.path[-1]]

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        described = self.skeleton.describe(half_rate(x, known))
        joints = self.enter(self.descriptors(described.permute(0, 3, 1, 2)))
        path = self.path
        if path is None:
            if not self.training:
                raise ModelError("A super-network judges nothing unless its `path` is chosen.")
            path = torch.randint(len(CANDIDATES), (len(self.cells),)).tolist()
        for cell, kind in zip(self.cells, path, strict=True):
            candidates: Any = cell
            joints = candidates[kind](joints)
        moving = joints.transpose(1, 2)
        known = at_rate(known, moving.shape[1])
        pooled = [mean_over_time(moving, known), peak_over_time(moving, known)]
        return self.head(torch.cat(pooled, dim=1).mean(dim=2))
