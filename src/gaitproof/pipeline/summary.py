"""How a pipeline is run, what it finds, and what its files are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from gaitproof import __version__
from gaitproof.config import VerifySettings
from gaitproof.data.listing import Layout
from gaitproof.errors import ConfigError
from gaitproof.media.augment import KINDS, Kind
from gaitproof.media.files import write_atomically
from gaitproof.nets.onnx import DEFAULT_MODEL
from gaitproof.pipeline.state import StepResult
from gaitproof.train.config import TrainSettings

Step = Literal["manifest", "augment", "extract", "train", "calibrate", "evaluate", "enrol"]

STEPS: Final[tuple[Step, ...]] = get_args(Step)

MANIFEST_FILE: Final = "manifest.csv"

SUMMARY_FILE: Final = "summary.json"

PAGE_FILE: Final = "index.html"

MODEL_FOLDER: Final = "model"

EVALUATION_FOLDER: Final = "evaluation"

EVALUATION_FILE: Final = "evaluation.json"

GALLERY_FILE: Final = "gallery.db"

COPIES_FOLDER: Final = "augmented"

RUNS_FOLDER: Final = "runs"


@dataclass(frozen=True)
class PipelineOptions:
    """How a pipeline is run.

    Parameters
    ----------
    skip
        Steps to leave out. Without ``train`` the shipped model is used.
    recipe
        What to train.
    model
        Name or folder of the model that is used where nothing is trained.
    layout
        How a folder of videos is read.
    kinds, copies
        Augmented copies to make for training.
    settings
        Limits, pose, cleaning, quality gate.
    workers
        Processes; 0 for one per processor where a step can tell.
    """

    skip: frozenset[Step] = frozenset()
    recipe: TrainSettings = field(default_factory=TrainSettings)
    model: str = DEFAULT_MODEL
    layout: Layout = "auto"
    kinds: tuple[Kind, ...] = KINDS
    copies: int = 1
    settings: VerifySettings = field(default_factory=VerifySettings)
    workers: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.skip) - set(STEPS))
        if unknown:
            raise ConfigError(f"There is no step called {unknown[0]!r}.", expected=", ".join(STEPS))
        if "calibrate" in self.skip and "train" not in self.skip:
            raise ConfigError(
                "A trained model cannot do without its calibration.",
                hint="skip train too: the shipped model is calibrated",
            )


@dataclass(frozen=True)
class Summary:
    """What a pipeline found; everything plain.

    Parameters
    ----------
    source, folder
        Videos, and where the results are.
    steps
        In order; those after a failure are missing.
    notes
        What the reader must know.
    trained
        Whether the model was trained here.
    model
        The model card; None before there is one.
    evaluation
        The evaluation; None if there is none.
    """

    source: str
    folder: str
    steps: tuple[StepResult, ...]
    notes: tuple[str, ...]
    trained: bool
    model: Mapping[str, Any] | None
    evaluation: Mapping[str, Any] | None

    @property
    def failed(self) -> StepResult | None:
        """The step that stopped the pipeline."""
        return next((step for step in self.steps if step.condition == "failed"), None)

    def step(self, name: Step) -> StepResult | None:
        """Return a step's result, None if it was not come to."""
        return next((step for step in self.steps if step.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "source": self.source,
            "folder": self.folder,
            "software": f"gaitproof {__version__}",
            "failed": None if self.failed is None else self.failed.name,
            "steps": [step.to_dict() for step in self.steps],
            "notes": list(self.notes),
            "trained": self.trained,
            "model": self.model,
            "evaluation": self.evaluation,
        }


def write_summary(summary: Summary) -> None:
    """Write ``summary.json`` into the pipeline's folder."""
    text = json.dumps(summary.to_dict(), indent=1, allow_nan=False)
    write_atomically(Path(summary.folder) / SUMMARY_FILE, (text + "\n").encode())
