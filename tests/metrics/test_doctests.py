from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["curves", "decisions", "intervals", "likelihood"])
def test_examples_in_the_documentation_hold(name):
    result = doctest.testmod(import_module(f"gaitproof.metrics.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
