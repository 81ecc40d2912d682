"""A recipe for silhouettes as an experiment: make a model with its figures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from gaitproof.data.gait.load import PairedRecording, load_paired
from gaitproof.data.gait.silhouettes import SilhouetteRecording, load_silhouettes
from gaitproof.errors import ConfigError
from gaitproof.evaluate.calibration import with_short_probes
from gaitproof.evaluate.designs import BothUnseen
from gaitproof.evaluate.protocol import Embed, evaluate_design
from gaitproof.evaluate.result import EvaluationResult
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.view_figures import ViewFigures
from gaitproof.modelling.export import check_embeddings, export_onnx, write_model
from gaitproof.modelling.facts import describe_sources, figures_of, score_histogram
from gaitproof.modelling.operating_point import choose_operating_point
from gaitproof.modelling.recipe import Progress, Runs, part_of
from gaitproof.nets.card import ModelCard
from gaitproof.nets.onnx import PairedEncoder, SilhouetteEncoder
from gaitproof.nets.registry import embedding_size, list_networks, signal_of
from gaitproof.train.config import read_architecture
from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
from gaitproof.train.silhouettes.discriminant import MaskWindows, apply, inputs_of
from gaitproof.train.silhouettes.fit import train_silhouettes
from gaitproof.types import GaitWindows
from gaitproof.types.silhouette import MASK_BYTES
from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES, PairedWindows, SilhouetteWindows
from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES

Walk = SilhouetteRecording | PairedRecording


def reads_silhouettes(config: Path) -> bool:
    """Tell whether a recipe is one for silhouettes, alone or with joints.

    Raises
    ------
    ConfigError
        If it is no settings file.
    """
    architecture = read_architecture(config)
    return architecture in (*list_networks("silhouettes"), *list_networks("both"))


def load_silhouette_sources(
    settings: SilhouetteTrainSettings, data: Sequence[Path] = ()
) -> list[Walk]:
    """Read the walks of a recipe's sources, or of other archives where they are named.

    Raises
    ------
    ConfigError
        If neither names any data.
    """
    named = [(path, path.stem) for path in data] or [(s.path, s.name) for s in settings.sources]
    if not named:
        raise ConfigError(
            "The recipe names no data.", hint="add 'sources' to it, or use --data FILE"
        )
    read: Any = load_paired if signal_of(settings.architecture) == "both" else load_silhouettes
    return [walk for path, name in named for walk in read(path, name)]


def evaluate_silhouettes(
    settings: SilhouetteTrainSettings,
    recordings: Sequence[Walk],
    *,
    held_out: tuple[str, ...] = (),
    progress: Progress = lambda share, *loss: None,
    runs: Runs | None = None,
) -> EvaluationResult:
    """Train a recipe without the people of a fold and try it on them, fold by fold.

    Parameters
    ----------
    settings
        The recipe.
    recordings
        Walks, of the kind that its network reads.
    held_out
        Subjects to hold out in one fold; without any, all are dealt into the recipe's folds.
    progress
        Called with the share done, and the loss.
    runs
        Where the trainings are kept.
    """
    chosen = runs or Runs()
    count = 1 if held_out else settings.folds
    trained = 0

    def embed(walks: Sequence[Any]) -> Embed:
        nonlocal trained
        done, trained = trained, trained + 1
        tell = part_of(progress, done / count, 1 / count)
        return partial(apply, train_silhouettes(walks, settings, tell, **chosen.options(done)))

    scope = Scope(**settings.scope.model_dump())
    return evaluate_design(
        BothUnseen(scope=scope, held_out=held_out),
        recordings,
        embed,
        folds=settings.folds,
        enrolled=settings.enrolled,
        seed=settings.seed,
        baselines={},
        views=ViewFigures(scope, settings.enrolled),
    )


def make_silhouette_model(
    settings: SilhouetteTrainSettings,
    recordings: Sequence[Walk],
    folder: Path,
    *,
    progress: Progress = lambda share, *loss: None,
    runs: Runs | None = None,
) -> tuple[ModelCard, EvaluationResult]:
    """Evaluate the recipe on people held out, train it on everybody, and write the model.

    As `gaitproof.modelling.recipe.make_model` for joints.
    """
    chosen = runs or Runs()
    share = settings.folds / (settings.folds + 1)
    result = evaluate_silhouettes(
        settings, recordings, progress=part_of(progress, 0, share), runs=chosen
    )
    network = train_silhouettes(
        recordings,
        settings,
        part_of(progress, share, 1 - share),
        **chosen.options(settings.folds),
    )
    card = _write_silhouette_model(network, settings, result, recordings, folder)
    result.save(folder / "evaluation.json")
    return card, result


def _write_silhouette_model(
    network: nn.Module,
    settings: SilhouetteTrainSettings,
    result: EvaluationResult,
    recordings: Sequence[Walk],
    folder: Path,
) -> ModelCard:
    """Write ``model.onnx`` and ``card.json``."""
    trials = {level: of_level.trials for level, of_level in result.system.items()}
    longer = with_short_probes(trials["clip"], trials["window"]) if "window" in trials else None
    point, calibration = choose_operating_point(
        trials["clip"],
        calibrate_on=longer,
        people="held-out people",
        **settings.operating_point.model_dump(),
    )
    options = settings.network
    signal = signal_of(settings.architecture)
    assert signal != "motion"
    examples = inputs_of(_noise(signal))
    weights = export_onnx(network, examples, _INPUTS[: len(examples)], ("embeddings",))
    digest = hashlib.sha256(weights).hexdigest()
    card = ModelCard(
        model_id=f"{settings.architecture}-{settings.version}-{digest[:12]}",
        architecture=settings.architecture,
        embedding_size=embedding_size(settings.architecture, options),
        weights_sha256=digest,
        signal=signal,
        features=_FEATURES[signal],
        frames=SILHOUETTE_FRAMES,
        dimensions=2,
        operating_point=point,
        calibration=calibration,
        scores=score_histogram(trials["clip"], "all sources"),
        data=describe_sources(settings.sources, recordings),
        protocol=result.protocol,
        figures=figures_of(result),
        licence=settings.licence,
        trained_on=datetime.now(tz=UTC).date().isoformat(),
        limits=settings.limits,
    )
    kind = PairedEncoder if signal == "both" else SilhouetteEncoder
    _check_parity(network, kind(weights, card))
    write_model(folder, weights, card)
    return card


_INPUTS: Final = ("masks", "features")
_FEATURES: Final = {
    "silhouettes": "silhouettes-50/1",
    "both": "silhouettes-50/1, gait-78/1",
}


def _noise(signal: str) -> MaskWindows:
    """Return four windows of noise."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (4, SILHOUETTE_FRAMES, MASK_BYTES), np.uint8)
    masks = SilhouetteWindows(bits, np.zeros(4))
    if signal != "both":
        return masks
    features = rng.normal(size=(4, WINDOW_FRAMES, N_FEATURES)).astype(np.float32)
    return PairedWindows(masks, GaitWindows(features, np.ones((4, N_FEATURES), bool), np.zeros(4)))


def _check_parity(network: nn.Module, exported: SilhouetteEncoder | PairedEncoder) -> None:
    windows: Any = _noise(exported.card.signal)
    cosine: Any = (apply(network, windows) * exported.embed(windows)).sum(axis=1).min()
    check_embeddings(cosine)
