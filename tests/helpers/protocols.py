"""The protocol that most tests of evaluations use, and all trials of a set of people."""

from __future__ import annotations

from functools import partial

from gaitproof.evaluate.designs import BothUnseen
from gaitproof.evaluate.plans import make_plan, score_plan
from gaitproof.evaluate.protocol import evaluate_design

both_unseen = partial(evaluate_design, BothUnseen())


def make_trials(recordings, embeddings, *, enrolled=3, **options):
    """Make every trial that a set of held-out people allows; `options` as for `score_plan`."""
    plan = make_plan(recordings, enrolled=enrolled)
    return score_plan(plan, recordings, embeddings, **options)
