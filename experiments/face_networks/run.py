"""Networks for faces, trained and compared on the same prepared clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.face_networks.comparison import Compared, compare_networks, to_dict
from gaitproof.data.face.store import FaceStore, StoredClip
from gaitproof.errors import InputError
from gaitproof.nets.face.registry import network_class
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import ClipScore, TrainedFaces, average, train_faces

if TYPE_CHECKING:
    from gaitproof.train.hardware import TrainerSettings

ENSEMBLE: Final = "ensemble"
"""Of the recurrent networks on ResNet features: the mean of their scores (face seed 2)."""

MEMBERS: Final = "resnet50-"
"""How the names of its members begin."""


@dataclass(frozen=True, eq=False)
class Run:
    """One trained network.

    Parameters
    ----------
    name
        Which.
    parameters
        Number of those that learn.
    learning_rate
        The one that the validation clips chose; None of the ensemble.
    scored
        What it says of each of the N test clips.
    """

    name: str
    parameters: int
    learning_rate: float | None
    scored: tuple[ClipScore, ...]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores of the test clips, shape (N,)."""
        return np.array([one.score for one in self.scored])

    @property
    def attention(self) -> tuple[NDArray[np.float64] | None, ...]:
        """Of each test clip, what its images count; None for a network of images."""
        return tuple(one.attention for one in self.scored)


@dataclass(frozen=True, eq=False)
class Comparison:
    """All of them.

    Parameters
    ----------
    runs
        In the order asked for; the ensemble last.
    clips
        The test clips.
    compared
        Figures and paired differences.
    reference
        The network of single images that they are compared with.
    """

    runs: tuple[Run, ...]
    clips: tuple[StoredClip, ...]
    compared: tuple[Compared, ...]
    reference: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "reference": self.reference,
            "clips": [stored.clip.path for stored in self.clips],
            "compared": to_dict(self.compared),
            "runs": [
                {
                    "network": run.name,
                    "parameters": run.parameters,
                    "learning_rate": run.learning_rate,
                    "scores": run.scores.tolist(),
                    "attention": [
                        None if one is None else one.round(4).tolist() for one in run.attention
                    ],
                }
                for run in self.runs
            ],
        }


def run(
    store: FaceStore,
    settings: FaceTrainSettings,
    names: Sequence[str],
    *,
    rates: Sequence[float] = (),
    run_folder: Path | None = None,
    progress: Callable[[float, float], None] | None = None,
    trainer_options: TrainerSettings | None = None,
) -> Comparison:
    """Train each network on the store's training clips and score its test clips.

    Parameters
    ----------
    store
        Prepared clips of several images, genuine and forged.
    settings
        The recipe that all share: steps, batch, rates, alignment; `frames` is what temporal
        networks see together, the others see one image at a time and their scores are averaged.
        As many images are shown to both.
    names
        Networks; the first, which the others are compared with, must be one of single images.
    rates
        Learning rates to train every network with; the one with the least validation loss counts.
        None for the recipe's alone.
    run_folder
        Keeps a checkpoint of each, so that an interrupted comparison goes on.
    progress, trainer_options
        As for `gaitproof.train.face.loop.train_faces`.

    Raises
    ------
    InputError
        If the first network looks at clips, or there are no test clips.
    ConfigError
        If there is no such network, or the recipe does not fit.
    """
    clips = store.of_split("test")
    if not clips:
        raise InputError("The store holds no test clips.", hint="prepare more people")
    if not names or network_class(names[0]).temporal:
        raise InputError(
            "The first network must look at single images: the others are compared with it.",
            actual=", ".join(names),
        )
    tried = rates or (settings.learning_rate,)
    runs = []
    for place, name in enumerate(names):
        trained = []
        for number, rate in enumerate(tried):
            begun = place + number / len(tried)

            def report(done: float, loss: float, begun: float = begun) -> None:
                if progress is not None:
                    progress((begun + done / len(tried)) / len(names), loss)

            recipe = recipe_of(name, settings.model_copy(update={"learning_rate": rate}))
            folder = None if run_folder is None else run_folder / f"{name}-{rate:g}"
            trained.append(
                train_faces(
                    [store],
                    recipe,
                    report,
                    run_folder=folder,
                    trainer_options=trainer_options,
                )
            )
        runs.append(_test(name, min(trained, key=_validation_loss), store, clips))
    members = [one for one in runs if one.name.startswith(MEMBERS)]
    if len(members) > 1:
        runs.append(_average(members))
    scores = {one.name: one.scores for one in runs}
    compared = compare_networks(scores, [stored.clip for stored in clips], names[0])
    return Comparison(tuple(runs), clips, compared, names[0])


def recipe_of(name: str, settings: FaceTrainSettings) -> FaceTrainSettings:
    """Return the shared recipe for one network: all take as many steps and see as many images.

    Raises
    ------
    ConfigError
        If there is no such network.
    """
    changes: dict[str, Any] = {"architecture": name}
    if not name.startswith(MEMBERS):
        # the others' encoders learn, so that there are no features to keep
        changes["views"] = None
    if not network_class(name).temporal:
        changes |= {"frames": 1, "batch": settings.batch * settings.frames}
        if settings.pictures_per_epoch is not None:
            changes["pictures_per_epoch"] = settings.pictures_per_epoch * settings.frames
    return settings.model_copy(update=changes)


def _validation_loss(trained: TrainedFaces) -> float:
    return min(loss for _, loss in trained.validation)


def _test(name: str, trained: TrainedFaces, store: FaceStore, clips: Sequence[StoredClip]) -> Run:
    scored = tuple(trained.score_clip(store.read(stored)) for stored in clips)
    learnt = (one.numel() for one in trained.network.parameters() if one.requires_grad)
    return Run(name, sum(learnt), trained.settings.learning_rate, scored)


def _average(members: Sequence[Run]) -> Run:
    by_clip = zip(*(one.scored for one in members), strict=True)
    names = [one.name for one in members]
    return Run(
        ENSEMBLE,
        sum(one.parameters for one in members),
        None,
        tuple(average(dict(zip(names, said, strict=True))) for said in by_clip),
    )
