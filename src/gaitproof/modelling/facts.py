"""What a model card says of the data and the evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from gaitproof.evaluate.result import EvaluationResult
from gaitproof.evaluate.trials import GaitRecording
from gaitproof.evaluate.view_figures import figures_by_view
from gaitproof.nets.card import DataSource
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
