"""A recipe for silhouettes as an experiment: make a model with its figures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import ConfigDict
from torch import nn

from gaitproof.config import Settings
from gaitproof.errors import ConfigError, ModelError
from gaitproof.evaluate.calibration import with_short_probes
from gaitproof.evaluate.designs import BothUnseen
from gaitproof.evaluate.histogram import score_histogram
from gaitproof.evaluate.operating_point import choose_operating_point
from gaitproof.evaluate.protocol import Embed, evaluate_design
from gaitproof.evaluate.recipe import Progress, Runs, describe_sources, figures_of
from gaitproof.evaluate.result import EvaluationResult
from gaitproof.evaluate.scope import Scope
from gaitproof.media.files import write_atomically
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.nets.card import ModelCard
from gaitproof.nets.onnx import SilhouetteEncoder
from gaitproof.nets.options import NetworkOptions
from gaitproof.nets.registry import embedding_size, list_networks
from gaitproof.nets.trainable import PARITY
from gaitproof.train.export import export_onnx
from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
from gaitproof.train.silhouettes.discriminant import apply
from gaitproof.train.silhouettes.fit import train_silhouettes
from gaitproof.train.sources.silhouettes import SilhouetteRecording, load_silhouettes
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH
from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES, SilhouetteWindows

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Named(Settings):
    """The one setting of a recipe that says what the others are."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    architecture: str = ""


def reads_silhouettes(config: Path) -> bool:
    """Tell whether a recipe is one for silhouettes.

    Raises
    ------
    ConfigError
        If it is no settings file.
    """
    found = _Named.load(config).architecture
    return found in list_networks("silhouettes")


def load_silhouette_sources(
    settings: SilhouetteTrainSettings, data: Sequence[Path] = ()
) -> list[SilhouetteRecording]:
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
    return [walk for path, name in named for walk in load_silhouettes(path, name)]


def make_silhouette_model(
    settings: SilhouetteTrainSettings,
    recordings: Sequence[SilhouetteRecording],
    folder: Path,
    *,
    progress: Progress | None = None,
    runs: Runs | None = None,
) -> tuple[ModelCard, EvaluationResult]:
    """Evaluate the recipe on people held out, train it on everybody, and write the model.

    As `gaitproof.evaluate.recipe.make_model` for joints.
    """
    chosen = runs or Runs()
    total = settings.folds + 1
    trained = 0

    def fit(walks: Sequence[SilhouetteRecording]) -> nn.Module:
        nonlocal trained
        done, trained = trained, trained + 1
        tell = None
        if progress is not None:
            told = progress
            tell = lambda share, *loss: told((done + share) / total, *loss)  # noqa: E731
        return train_silhouettes(walks, settings, tell, **chosen.options(done))

    def embed(walks: Sequence[SilhouetteRecording]) -> Embed:
        return partial(apply, fit(walks))

    result = evaluate_design(
        BothUnseen(scope=Scope(**settings.scope.model_dump())),
        recordings,
        embed,
        folds=settings.folds,
        enrolled=settings.enrolled,
        seed=settings.seed,
        baselines={},
    )
    card = write_silhouette_model(fit(recordings), settings, result, recordings, folder)
    result.save(folder / "evaluation.json")
    return card, result


def write_silhouette_model(
    network: nn.Module,
    settings: SilhouetteTrainSettings,
    result: EvaluationResult,
    recordings: Sequence[SilhouetteRecording],
    folder: Path,
    figures: Mapping[str, float] | None = None,
) -> ModelCard:
    """Write ``model.onnx`` and ``card.json``.

    Parameters
    ----------
    network
        Trained on `recordings`.
    settings
        The recipe.
    result
        Of people held out: threshold and calibration come from it.
    recordings
        For the card's data.
    folder
        Made if missing.
    figures
        More of them for the card.

    Raises
    ------
    ModelError
        If the exported network does not compute what the trained one does.
    """
    trials = {level: found.trials for level, found in result.system.items()}
    longer = with_short_probes(trials["clip"], trials["window"]) if "window" in trials else None
    point, calibration = choose_operating_point(
        trials["clip"],
        calibrate_on=longer,
        people="held-out people",
        **settings.operating_point.model_dump(),
    )
    options = NetworkOptions(**settings.network.model_dump())
    shape = (SILHOUETTE_FRAMES, MASK_HEIGHT, MASK_WIDTH)
    weights = export_onnx(
        network, torch.zeros(2, *shape, dtype=torch.uint8), "masks", ("embeddings",)
    )
    digest = hashlib.sha256(weights).hexdigest()
    card = ModelCard(
        model_id=f"{settings.architecture}-{settings.version}-{digest[:12]}",
        architecture=settings.architecture,
        embedding_size=embedding_size(settings.architecture, options),
        weights_sha256=digest,
        signal="silhouettes",
        features="silhouettes-50/1",
        frames=SILHOUETTE_FRAMES,
        dimensions=2,
        operating_point=point,
        calibration=calibration,
        scores=score_histogram(trials["clip"], "all sources"),
        data=describe_sources(settings.sources, recordings),
        protocol=result.protocol,
        figures=figures_of(result) | dict(figures or {}),
        licence=settings.licence,
        trained_on=datetime.now(tz=UTC).date().isoformat(),
        limits=settings.limits,
    )
    _check_parity(network, SilhouetteEncoder(weights, card))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / MODEL_FILE, weights)
    write_atomically(folder / CARD_FILE, card.model_dump_json(indent=1).encode())
    return card


def _check_parity(network: nn.Module, exported: SilhouetteEncoder) -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (4, SILHOUETTE_FRAMES, MASK_HEIGHT * MASK_WIDTH // 8), np.uint8)
    windows = SilhouetteWindows(bits, np.zeros(4))
    cosine: Any = (apply(network, windows) * exported.embed(windows)).sum(axis=1).min()
    if cosine < PARITY:
        raise ModelError(
            "The exported network differs from the trained one.",
            expected=f"cosine of at least {PARITY}",
            actual=f"{cosine:.5f}",
        )
