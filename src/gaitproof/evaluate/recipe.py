"""A training recipe as an experiment: evaluate it, or make a model with its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gaitproof.errors import ConfigError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.operating_point import choose_operating_point
from gaitproof.evaluate.protocol import Embed, both_unseen
from gaitproof.evaluate.result import EvaluationResult
from gaitproof.nets.card import DataSource, ModelCard
from gaitproof.nets.registry import embedding_size
from gaitproof.train.config import TrainSettings
from gaitproof.train.export import save_model
from gaitproof.train.loop import train
from gaitproof.train.sources import Recording, load_recordings

Progress = Callable[[float], None]


def load_sources(settings: TrainSettings, data: Sequence[Path] = ()) -> list[Recording]:
    """Read the walks of a recipe.

    Parameters
    ----------
    settings
        Its sources are read...
    data
        ...unless other files are named here.

    Raises
    ------
    ConfigError
        If neither names any data.
    """
    if data:
        return [walk for path in data for walk in load_recordings(path, path.stem)]
    if not settings.sources:
        raise ConfigError(
            "The recipe names no data.", hint="add 'sources' to it, or use --data FILE"
        )
    return [
        walk for source in settings.sources for walk in load_recordings(source.path, source.name)
    ]


def evaluate_recipe(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    *,
    draws: int = DRAWS,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Train and test the recipe on subject-disjoint folds, both sides of a trial unseen.

    Parameters
    ----------
    settings
        The recipe; its `folds`, `enrolled` and `seed` set the protocol.
    recordings
        All walks.
    draws
        Bootstrap draws.
    progress
        Told the share done, 0 to 1.
    """
    finished = 0

    def fit(walks: Sequence[Recording]) -> Embed:
        nonlocal finished
        start = finished / settings.folds
        trained = train(walks, settings, _part(progress, start, 1 / settings.folds))
        finished += 1
        return trained.embed

    return both_unseen(
        recordings,
        fit,
        folds=settings.folds,
        enrolled=settings.enrolled,
        seed=settings.seed,
        draws=draws,
    )


def make_model(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    folder: Path,
    *,
    progress: Progress | None = None,
) -> tuple[ModelCard, EvaluationResult]:
    """Evaluate the recipe, train it on everybody, and write the model with its card.

    The threshold, its error rates and the calibration come from the people held out in the
    evaluation; the shipped network is trained on all of them by the same recipe.

    Parameters
    ----------
    settings
        The recipe.
    recordings
        All walks.
    folder
        Where ``model.onnx`` and ``card.json`` go, and ``evaluation.json``.
    progress
        Told the share done, 0 to 1.

    Returns
    -------
    tuple
        The card and the evaluation.

    Raises
    ------
    ConfigError
        If `threshold_source` names no source.
    """
    share = settings.folds / (settings.folds + 1)
    result = evaluate_recipe(settings, recordings, progress=_part(progress, 0.0, share))
    trials = result.system["clip"].trials
    if settings.threshold_source:
        chosen = trials.source == settings.threshold_source
        if not chosen.any():
            raise ConfigError(
                f"There is no source called {settings.threshold_source!r} for the threshold.",
                expected=", ".join(sorted(set(trials.source.tolist()))),
            )
        trials = trials.select(chosen)
    point, calibration = choose_operating_point(
        trials, people=f"held-out people of {settings.threshold_source or 'all sources'}"
    )
    trained = train(recordings, settings, _part(progress, share, 1 - share))
    card = save_model(
        trained,
        folder,
        name=settings.architecture,
        version=settings.version,
        architecture=settings.architecture,
        embedding_size=embedding_size(settings.architecture),
        operating_point=point,
        calibration=calibration,
        data=_describe(settings, recordings),
        protocol=result.protocol,
        figures=_figures(result),
        licence=settings.licence,
        trained_on=datetime.now(tz=UTC).date().isoformat(),
        limits=settings.limits,
    )
    result.save(folder / "evaluation.json")
    return card, result


def _part(progress: Progress | None, start: float, share: float) -> Callable[..., None]:
    """Map the progress of one part, 0 to 1, into the whole's."""

    def told(done: float, *_: float) -> None:
        if progress is not None:
            progress(start + share * done)

    return told


def _describe(settings: TrainSettings, recordings: Sequence[Recording]) -> tuple[DataSource, ...]:
    described = []
    for source in settings.sources:
        walks = [r for r in recordings if r.source == source.name]
        described.append(
            DataSource(
                name=source.name,
                subjects=len({r.subject for r in walks}),
                recordings=len(walks),
                licence=source.licence,
                citation=source.citation,
            )
        )
    return tuple(described)


def _figures(result: EvaluationResult) -> dict[str, float]:
    """Flatten AUC and EER per level and source for the card."""
    figures = {}
    for level, found in result.system.items():
        for name, group in found.per_source.items():
            for figure in ("auc", "eer"):
                value = getattr(group, figure)
                if value is not None:
                    figures[f"{name}/{level}/{figure}"] = round(float(value), 5)
    return figures
