"""One recipe on domains left out, adapted to them in several ways or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from experiments.shared import Progress, no_progress
from gaitproof.config import Settings
from gaitproof.data.gait import Recording
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.modelling.domain_recipe import evaluate_domains
from gaitproof.nets.card import DomainFigures
from gaitproof.train.config import TrainSettings

Recipe = TypeVar("Recipe", bound=Settings)

VARIANTS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "as it is": {},
    "styles mixed": {"augment": {"style": 0.5}},
    "discrepancy": {"adapt": {"discrepancy": 1.0}},
    "adversary": {"adapt": {"adversary": 1.0}},
    "batch norm of the target": {"adapt": {"norms": True}},
    "all three": {"augment": {"style": 0.5}, "adapt": {"discrepancy": 1.0, "norms": True}},
}
"""Changes to the recipe, by section."""


def vary(settings: Recipe, changes: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """Return a recipe with some fields of its sections changed."""
    sections = {
        section: {**getattr(settings, section).model_dump(), **values}
        for section, values in changes.items()
    }
    return type(settings).model_validate({**settings.model_dump(), **sections})


def run(
    walks: Sequence[Recording],
    settings: TrainSettings,
    *,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> dict[str, dict[str, DomainFigures]]:
    """Train the recipe in every variant without each source in turn, and measure it there.

    Parameters
    ----------
    walks
        Of three sources or more.
    settings
        The recipe.
    draws
        Of the bootstrap over people.
    progress
        Told the share done.

    Returns
    -------
    dict
        By variant and source: figures of plain similarities, relative to nobody.
    """
    figures = {}
    for number, (name, changes) in enumerate(VARIANTS.items()):
        result = evaluate_domains(vary(settings, changes), walks, draws=draws)
        figures[name] = {one.domain: one for one in result.figures if not one.references}
        progress((number + 1) / len(VARIANTS))
    return figures
