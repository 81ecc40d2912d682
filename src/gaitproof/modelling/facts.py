"""What a model card says of the data, the evaluation and the distribution of similarities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from gaitproof.evaluate.result import EvaluationResult
from gaitproof.evaluate.trials import GaitRecording, Trials
from gaitproof.evaluate.view_figures import figures_by_view
from gaitproof.nets.card import DataSource, ScoreHistogram
from gaitproof.train.config import OriginSettings


def describe_sources(
    sources: Sequence[OriginSettings], recordings: Sequence[GaitRecording]
) -> tuple[DataSource, ...]:
    """Say for the card what a recipe's sources hold."""
    described = []
    for source in sources:
        walks = [r for r in recordings if r.source == source.name]
        described.append(
            DataSource(
                name=source.name,
                subjects=len({r.subject for r in walks}),
                recordings=len(walks),
                licence=source.licence,
                citation=source.citation,
                domains=tuple(sorted({str(getattr(walk, "domain", "")) for walk in walks} - {""})),
            )
        )
    return tuple(described)


def figures_of(result: EvaluationResult) -> dict[str, float]:
    """Flatten AUC and EER per level and source, and what is known by view, for the card."""
    figures = {}
    for level, of_level in result.system.items():
        for name, group in of_level.per_source.items():
            for figure in ("auc", "eer"):
                value = getattr(group, figure)
                if value is not None:
                    figures[f"{name}/{level}/{figure}"] = round(float(value), 5)
    return figures | figures_by_view(result.views, result.rank_one)


BINS: Final = 50
"""Of similarity 0 to 1: bins of 0.02."""


def score_histogram(trials: Trials, source: str) -> ScoreHistogram:
    """Count the similarities of mated and non-mated trials.

    Parameters
    ----------
    trials
        Scores are similarities in [0, 1]; those without a score are not counted.
    source
        Whose claims they are, in words.

    Raises
    ------
    ValueError
        If a score lies outside [0, 1].
    """
    scored = np.isfinite(trials.scores)
    if not ((trials.scores[scored] >= 0) & (trials.scores[scored] <= 1)).all():
        raise ValueError("similarities lie in [0, 1]")
    edges = np.linspace(0, 1, BINS + 1)
    mated, nonmated = (
        np.histogram(trials.scores[scored & kind], edges)[0].tolist()
        for kind in (trials.mated, ~trials.mated)
    )
    return ScoreHistogram(
        source=source,
        edges=tuple(edges.round(6).tolist()),
        mated=tuple(mated),
        nonmated=tuple(nonmated),
    )
