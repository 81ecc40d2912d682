from __future__ import annotations

from collections.abc import Callable

import made_walks
import pytest
from made_walks import Walk

from gaitproof.evaluate.trials import Trials


@pytest.fixture
def make_walks() -> Callable[..., list[Walk]]:
    return made_walks.make_walks


@pytest.fixture
def made_trials() -> Callable[..., Trials]:
    return made_walks.make_trials
