"""Cells of graph convolutions: one path of many in every step."""

from __future__ import annotations

import pytest
import torch

from gaitproof.errors import ModelError
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import create_network
from gaitproof.nets.sposgait import ALL_CELLS, CANDIDATES, DEPTH

SMALL = NetworkSettings(embedding=8, width=16).model_copy(update={"cells": ALL_CELLS})
WINDOWS = torch.randn(4, 20, 78, generator=torch.Generator().manual_seed(0))


def learnt_by(network):
    """Return the candidates of every cell that one backward pass reaches."""
    network.zero_grad()
    network(WINDOWS)[:, 0].square().sum().backward()
    return [
        [k for k, one in enumerate(cell) if any(p.grad is not None for p in one.parameters())]
        for cell in network.cells
    ]


@pytest.mark.slow
def test_every_step_trains_one_path_and_all_are_drawn_in_time():
    torch.manual_seed(0)
    network = create_network("sposgait", SMALL, frames=20).train()
    paths = [learnt_by(network) for _ in range(40)]
    assert all(len(kinds) == 1 for path in paths for kinds in path)
    for cell in range(DEPTH):
        assert {path[cell][0] for path in paths} == set(range(len(CANDIDATES)))


def test_a_chosen_path_is_what_its_cells_alone_compute():
    torch.manual_seed(0)
    whole = create_network("sposgait", SMALL, frames=20).eval()
    whole.path = (5, 0, 3, 1)
    alone = create_network(
        "sposgait", NetworkSettings(embedding=8, width=16, cells="5031"), 20
    ).eval()
    weights = whole.state_dict()
    for name in alone.state_dict():
        if name.startswith("cells."):
            _, cell, _, rest = name.split(".", 3)
            weights[name] = weights[f"cells.{cell}.{whole.path[int(cell)]}.{rest}"]
    alone.load_state_dict({name: weights[name] for name in alone.state_dict()})
    torch.testing.assert_close(alone(WINDOWS), whole(WINDOWS))


def test_a_super_network_judges_nothing_without_a_path():
    with pytest.raises(ModelError, match="path"):
        create_network("sposgait", SMALL, frames=20).eval()(WINDOWS)


@pytest.mark.parametrize("cells", ["", "6", "0a", "0" * 13])
def test_cells_that_are_no_path(cells):
    with pytest.raises(ModelError, match="no path"):
        create_network("sposgait", NetworkSettings().model_copy(update={"cells": cells}))
