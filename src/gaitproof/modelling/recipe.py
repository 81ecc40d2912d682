"""A training recipe as an experiment: evaluate it, or make a model with its figures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gaitproof.data.gait import Recording, load_recordings
from gaitproof.errors import ConfigError, GaitproofError
from gaitproof.evaluate.baselines import BASELINES, Baseline
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.calibration import with_short_probes
from gaitproof.evaluate.designs import BothUnseen, Design
from gaitproof.evaluate.normalisation import make_cohort, normalised
from gaitproof.evaluate.protocol import FittedSystem, evaluate_design
from gaitproof.evaluate.result import EvaluationResult
from gaitproof.evaluate.trials import COSINE
from gaitproof.evaluate.view_figures import ViewFigures
from gaitproof.modelling.export import save_model
from gaitproof.modelling.facts import describe_sources, figures_of, score_histogram
from gaitproof.modelling.operating_point import choose_operating_point
from gaitproof.modelling.pairs import scoring_of
from gaitproof.nets.card import ModelCard
from gaitproof.nets.cohort import mix_cohort, pack_cohort
from gaitproof.nets.registry import embedding_size, is_pair_network
from gaitproof.processes import worker_pool
from gaitproof.train.config import TrainSettings
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.loop import check_dimensions, seen_by, train
from gaitproof.train.training import RunOptions
from gaitproof.types import Domain
from gaitproof.types.windows import WINDOW_FRAMES

Progress = Callable[..., None]
"""Takes the share done, 0 to 1, and while a network is trained its loss."""


@dataclass(frozen=True)
class Runs:
    """How the trainings of an experiment are kept and where they run.

    Parameters
    ----------
    folder
        Each training keeps checkpoints and logs in a folder of its own below it; None for none.
    resume
        Go on from the checkpoints that are there.
    trainer
        Devices.
    """

    folder: Path | None = None
    resume: bool = True
    trainer: TrainerSettings | None = None

    def options(self, number: int) -> RunOptions:
        """Return the options of `gaitproof.train.loop.train` for the training of that number."""
        return {
            "run_folder": None if self.folder is None else self.folder / f"training-{number}",
            "resume": self.resume,
            "trainer_options": self.trainer,
        }


def load_sources(
    settings: TrainSettings, data: Sequence[Path] = (), frame_rate: float | None = None
) -> list[Recording]:
    """Read the walks of a recipe.

    Parameters
    ----------
    settings
        Its sources are read...
    data
        ...unless other files are named here.
    frame_rate
        Frames per second of those files, for formats that state none.

    Raises
    ------
    ConfigError
        If neither names any data, a frame rate is given for files that state theirs, or the
        walks do not pass `gaitproof.train.loop.check_dimensions`.
    """
    if data:
        recordings = [
            walk for path in data for walk in load_recordings(path, path.stem, frame_rate)
        ]
    elif settings.sources:
        recordings = [
            replace(walk, domain=Domain.parse(source.domain)) if source.domain else walk
            for source in settings.sources
            for walk in load_recordings(source.path, source.name, source.frame_rate)
        ]
    else:
        raise ConfigError(
            "The recipe names no data.", hint="add 'sources' to it, or use --data FILE"
        )
    check_dimensions(settings, recordings)
    return seen_by(settings, recordings)


def evaluate_recipe(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    *,
    design: Design | None = None,
    baselines: Mapping[str, Baseline] = BASELINES,
    draws: int = DRAWS,
    workers: int = 1,
    progress: Progress = lambda share, *loss: None,
    views: ViewFigures | None = None,
) -> EvaluationResult:
    """Train and test the recipe by a protocol.

    Parameters
    ----------
    settings
        The recipe; its `folds`, `enrolled` and `seed` set the protocol.
    recordings
        All walks.
    design
        The protocol; both sides of a trial unseen by default.
    baselines
        Systems to run on the same trials.
    draws
        Bootstrap draws.
    workers
        Processes that train folds side by side, one thread each; the result is the same.
    progress
        Called with the share done, 0 to 1.
    views
        Also collect what it asks for: CASIA-B's figures by view.

    Raises
    ------
    ConfigError
        If baselines, which compare whole windows, shall run on padded ones.
    """
    if baselines and settings.least_frames < WINDOW_FRAMES:
        raise ConfigError("Baselines compare whole windows.", hint="--no-baselines")
    chosen = BothUnseen() if design is None else design
    count = len(chosen.split(recordings, settings.folds, settings.seed))
    with _trainings(settings, count, workers, progress, Runs()) as trainings:
        return _evaluate(
            settings, recordings, chosen, trainings, trainings.start, draws, baselines, views
        )


def _evaluate(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    design: Design,
    trainings: _Trainings,
    prepare: Callable[[Sequence[Sequence[Recording]]], None],
    draws: int,
    baselines: Mapping[str, Baseline] = BASELINES,
    views: ViewFigures | None = None,
) -> EvaluationResult:
    if settings.normalisation.kind != "none" and is_pair_network(settings.architecture):
        raise ConfigError(
            f"{settings.architecture!r} makes no templates to normalise scores by.",
            hint="normalisation: {kind: none}",
        )

    def fit(walks: Sequence[Recording]) -> FittedSystem:
        trained = trainings.next(walks)
        scoring = scoring_of(trained)
        if settings.normalisation.kind == "none":
            return FittedSystem(trained.embed, scoring)
        cohort = make_cohort(walks, trained.embed, scoring)
        kind, top = settings.normalisation.kind, settings.normalisation.top
        return FittedSystem(
            trained.embed, normalised(scoring, cohort, kind, top), frozenset(cohort.people)
        )

    return evaluate_design(
        design,
        recordings,
        fit,
        prepare=prepare,
        baselines=baselines,
        folds=settings.folds,
        enrolled=settings.enrolled,
        seed=settings.seed,
        draws=draws,
        views=views,
    )


class _Trainings:
    """Trains several encoders: here one after another, or ahead in other processes."""

    def __init__(
        self,
        settings: TrainSettings,
        count: int,
        pool: Executor | None,
        progress: Progress,
        runs: Runs,
    ) -> None:
        self._settings = settings
        self._runs = runs
        self._count = count
        self._progress = progress
        self._pool = pool
        self._ahead: deque[Future[TrainedEncoder]] = deque()
        self._finished = 0

    def start(self, walks: Sequence[Sequence[Recording]]) -> None:
        """Begin with the trainings, in the order in which `next` will ask for them."""
        if self._pool is not None:
            self._ahead.extend(
                self._pool.submit(train, w, self._settings, **self._runs.options(i))
                for i, w in enumerate(walks)
            )

    def next(self, walks: Sequence[Recording]) -> TrainedEncoder:
        """Return the encoder trained on the next walks."""
        share = 1 / self._count
        share_of = part_of(self._progress, self._finished * share, share)
        if self._ahead:
            # taken out, so that the encoders of finished folds do not fill the memory
            trained = self._ahead.popleft().result()
            share_of(1.0)
        else:
            options = self._runs.options(self._finished)
            trained = train(walks, self._settings, share_of, **options)
        self._finished += 1
        return trained


@contextmanager
def _trainings(
    settings: TrainSettings, count: int, workers: int, progress: Progress, runs: Runs
) -> Iterator[_Trainings]:
    if workers < 2:
        yield _Trainings(settings, count, None, progress, runs)
        return
    crash = GaitproofError(
        "A training process died.", hint="fewer --workers: each needs about 2 GB of memory"
    )
    with worker_pool(workers, crash) as pool:
        yield _Trainings(settings, count, pool, progress, runs)


def make_model(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    folder: Path,
    *,
    workers: int = 1,
    progress: Progress = lambda share, *loss: None,
    runs: Runs | None = None,
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
    workers
        As for `evaluate_recipe`.
    progress
        Called with the share done, 0 to 1.
    runs
        Where checkpoints go, and devices.

    Raises
    ------
    ConfigError
        If `threshold_source` names no source, or the network has no embeddings to verify with.
    """
    if is_pair_network(settings.architecture):
        raise ConfigError(
            f"{settings.architecture!r} judges pairs of windows and makes no templates, so there "
            "is no model to write.",
            hint="gaitproof evaluate shows its figures; train another architecture",
        )
    sources = sorted({r.source for r in recordings})
    if settings.threshold_source and settings.threshold_source not in sources:
        raise ConfigError(
            f"There is no source called {settings.threshold_source!r} for the threshold.",
            expected=", ".join(sources),
        )
    count = settings.folds + 1
    with _trainings(settings, count, workers, progress, runs or Runs()) as trainings:
        result = _evaluate(
            settings,
            recordings,
            BothUnseen(),
            trainings,
            lambda folds: trainings.start([*folds, recordings]),
            DRAWS,
            BASELINES if settings.least_frames == WINDOW_FRAMES else {},
        )
        trained = trainings.next(recordings)
    trials = {level: one.trials for level, one in result.system.items()}
    if settings.threshold_source:
        trials = {
            level: one.select(one.source == settings.threshold_source)
            for level, one in trials.items()
        }
    # a video may be much shorter than the clips of the evaluation
    short = "window" in trials and settings.operating_point.calibration in ("auto", "duration")
    point, calibration = choose_operating_point(
        trials["clip"],
        calibrate_on=with_short_probes(trials["clip"], trials["window"]) if short else None,
        people=f"held-out people of {settings.threshold_source or 'all sources'}",
        **settings.operating_point.model_dump(),
    )
    kind, top = settings.normalisation.kind, settings.normalisation.top
    cohort = None
    if kind != "none":
        vectors = make_cohort(recordings, trained.embed, COSINE).vectors
        # the whole cohort's mean and spread can be had without anybody's own embedding
        mixed = top is None
        cohort = pack_cohort(mix_cohort(vectors) if mixed else vectors, top=top, mixed=mixed)
    card = save_model(
        trained,
        folder,
        name=settings.architecture,
        version=settings.version,
        architecture=settings.architecture,
        embedding_size=embedding_size(settings.architecture, settings.network),
        operating_point=point,
        calibration=calibration,
        scores=score_histogram(trials["clip"], settings.threshold_source or "all sources"),
        normalisation=kind,
        least_frames=settings.least_frames,
        cohort=cohort,
        options=settings.network,
        data=describe_sources(settings.sources, recordings),
        dimensions=2 if any(walk.flat for walk in recordings) else 3,
        protocol=result.protocol,
        figures=figures_of(result),
        licence=settings.licence,
        trained_on=datetime.now(tz=UTC).date().isoformat(),
        limits=f"{settings.limits} {origin_of(settings, trained)}".strip(),
    )
    result.save(folder / "evaluation.json")
    return card, result


def origin_of(settings: TrainSettings, trained: TrainedEncoder) -> str:
    """Say for people which weights a training began with; empty where with fresh ones."""
    if settings.start is None:
        return ""
    left = f"all but {', '.join(trained.left_out)}" if trained.left_out else "all"
    return f"Began with the weights of {settings.start.name}: {left}."


def part_of(progress: Progress, start: float, share: float) -> Callable[..., None]:
    """Map the progress of one part, 0 to 1, into the whole's."""

    def report(done: float, *loss: float) -> None:
        progress(start + share * done, *loss)

    return report
