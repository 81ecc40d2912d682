"""What the scores of a data set rest on by joint and moment, and whether explanations hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gaitproof.bench.probes import draw_probes
from gaitproof.evaluate.bootstrap import DRAWS, Interval
from gaitproof.explain.dataset import MIN_PEOPLE, Case, DatasetExplanation, Trust, explain_dataset
from gaitproof.explain.methods import METHODS, WITH_GRADIENTS
from gaitproof.explain.shuffled import shuffle_network, shuffle_weights
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.train.sources import Recording
from gaitproof.verify.scoring import make_template

if TYPE_CHECKING:
    from rich.table import Table

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
    progress: Callable[[float], None] | None = None,
) -> tuple[DatasetExplanation, ...]:
    """Explain one genuine probe of every person by every method.

    Parameters
    ----------
    recordings, people, enrolled, seed
        As in `gaitproof.bench.probes.draw_probes`.
    encoder
        What is explained.
    methods
        Of `gaitproof.explain.methods.METHODS`.
    windows
        Of every probe.
    draws
        Of the bootstrap over people.
    progress
        Told the share done, 0 to 1.

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
    found = []
    for number, method in enumerate(methods):

        def part(share: float, number: int = number) -> None:
            if progress is not None:
                progress((number + share) / len(methods))

        shuffled = shuffle_network(encoder, seed) if method in WITH_GRADIENTS else weights
        found.append(
            explain_dataset(encoder, shuffled, cases, method, seed=seed, draws=draws, progress=part)
        )
    return tuple(found)


def trust_table(results: Sequence[DatasetExplanation]) -> Table:
    """Lay out what deletion and shuffled weights say of every method."""
    from rich.table import Table

    table = Table(
        title=f"Explanations of {results[0].people} genuine probes: mean similarity while parts "
        "are taken away (lower is better), rank correlation with those of shuffled weights (near 0 "
        "is better); 95 % intervals over people"
    )
    for title in ("method", "parts", "in its order", "at random", "gain", "shuffled", "s a clip"):
        table.add_column(title, justify="left" if title in ("method", "parts") else "right")
    for result in results:
        for name, trust in (("joints, angles", result.parts), ("moments", result.moments)):
            table.add_row(result.method, name, *_trust(trust), f"{result.seconds:.2f}")
    return table


def importance_table(result: DatasetExplanation) -> Table:
    """Lay out what contributed on average, the most important first."""
    from rich.table import Table

    table = Table(
        title=f"Mean contribution to the similarity ({result.score.value:.3f}) by {result.method}"
    )
    for title in ("kind", "part", "contribution", "95 % interval"):
        table.add_column(title, justify="left" if title in ("kind", "part") else "right")
    for kind, parts in (
        ("group", result.groups),
        ("joint", result.joints),
        ("angle", result.angles),
    ):
        for name, value in sorted(parts.items(), key=lambda item: -item[1].value):
            table.add_row(kind, name.replace("_", " "), *_signed(value))
    return table


def _trust(trust: Trust) -> list[str]:
    def cell(figure: Interval, shape: str) -> str:
        low, high = format(figure.low, shape), format(figure.high, shape)
        return f"{figure.value:{shape}} [{low}, {high}]"

    return [
        cell(trust.area, ".3f"),
        cell(trust.random_area, ".3f"),
        cell(trust.gain, "+.3f"),
        cell(trust.sanity, "+.2f"),
    ]


def _signed(value: Interval) -> tuple[str, str]:
    return f"{value.value:+.4f}", f"{value.low:+.4f} to {value.high:+.4f}"
