"""What the scores of a data set rest on by joint and moment, and whether explanations hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.explain.dataset import MIN_PEOPLE, Case, DatasetExplanation, explain_dataset
from experiments.probes import draw_probes
from experiments.shared import Progress, no_progress
from gaitproof.data.gait import Recording
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.explain.methods import METHODS, WITH_GRADIENTS
from gaitproof.explain.trust import shuffle_network, shuffle_weights
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.verify.scoring import make_template

WINDOWS = 8
"""Windows of every probe that are used: a clip of 5.5 s."""


def run(
    recordings: Sequence[Recording],
    encoder: OnnxEncoder,
    *,
    methods: Sequence[str] = METHODS,
    people: int = 40,
    enrolled: int = 3,
    windows: int = WINDOWS,
    seed: int = 0,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> tuple[DatasetExplanation, ...]:
    """Explain one genuine probe of every person by every method.

    Parameters
    ----------
    recordings, people, enrolled, seed
        As in `experiments.probes.draw_probes`.
    encoder
        What is explained.
    methods
        Of `gaitproof.explain.methods.METHODS`.
    windows
        Of every probe.
    draws
        Of the bootstrap over people.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    InputError
        If there are too few people with walks enough.
    """
    probes = draw_probes(recordings, enrolled=enrolled, people=people, least=MIN_PEOPLE, seed=seed)
    cases = [
        Case(
            p.person,
            p.probe.windows.select(np.arange(min(windows, len(p.probe.windows)))),
            make_template([encoder.embed(r.windows) for r in p.enrolled]),
        )
        for p in probes
    ]
    weights = shuffle_weights(encoder, seed)
    results = []
    for number, method in enumerate(methods):

        def part(share: float, number: int = number) -> None:
            progress((number + share) / len(methods))

        shuffled = shuffle_network(encoder, seed) if method in WITH_GRADIENTS else weights
        results.append(
            explain_dataset(encoder, shuffled, cases, method, seed=seed, draws=draws, progress=part)
        )
    return tuple(results)
