"""The protocol that most tests of evaluations use."""

from __future__ import annotations

from functools import partial

from gaitproof.evaluate.designs import BothUnseen
from gaitproof.evaluate.protocol import evaluate_design

both_unseen = partial(evaluate_design, BothUnseen())
