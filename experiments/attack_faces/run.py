"""Faces changed pixel by pixel within a bound: with the gradient, and with scores alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from experiments.attack_faces.square import attack_by_squares
from experiments.shared import Progress, no_progress
from gaitproof.data.face.clips import Label
from gaitproof.data.face.store import FaceStore, StoredClip
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval
from gaitproof.evaluate.face.figures import compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.align import AlignmentSettings, align
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.learner import perturb
from gaitproof.train.face.loop import TrainedFaces, train_faces
from gaitproof.train.hardware import TrainerSettings

Image = NDArray[np.uint8]
Attack = Callable[[Image, bool], Image]
"""``attack(crops, genuine)``: crops (N, S, S, 3) that shall look like the other kind."""

PGD_STEPS: Final = 10


class Scorer(Protocol):
    """A model of single images."""

    def score(self, crops: Image) -> NDArray[np.float64]:
        """Return genuine-scores (N,)."""


@dataclass(frozen=True)
class Attacked:
    """A model under one attack.

    Parameters
    ----------
    model, attack
        Which.
    radius
        Grey levels of 255.
    auc
        Of clips, over people.
    missed, alarms
        Share of forged clips taken for genuine and of genuine ones for forged, at the threshold.
    """

    model: str
    attack: str
    radius: float
    auc: Interval
    missed: float
    alarms: float


def read_crops(
    store: FaceStore, clips: Sequence[StoredClip], alignment: AlignmentSettings, images: int
) -> list[Image]:
    """Return the first crops (T, S, S, 3) of every clip."""
    chosen = []
    for stored in clips:
        faces = store.read(stored, list(range(min(images, stored.images))))
        pairs = zip(faces.images, faces.points.astype(np.float64), strict=True)
        chosen.append(np.stack([align(image, points, alignment) for image, points in pairs]))
    return chosen


def measure(
    model: str,
    scorer: Scorer,
    crops: Sequence[Image],
    clips: Sequence[StoredClip],
    attacks: Sequence[tuple[str, float, Attack]],
    threshold: float,
    *,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> list[Attacked]:
    """Score clips as they are and under every attack."""
    attacked = []
    plain: tuple[str, float, Attack] = ("none", 0.0, lambda own, genuine: own)
    for place, (name, radius, attack) in enumerate((plain, *attacks)):
        values = [
            float(scorer.score(attack(own, stored.clip.label is Label.REAL)).mean())
            for own, stored in zip(crops, clips, strict=True)
        ]
        scores = FaceScores.of_clips(values, [stored.clip for stored in clips])
        figures = compute_figures(scores, threshold, draws=draws).values
        genuine, called = scores.genuine, scores.scores >= threshold
        missed, alarms = float(called[~genuine].mean()), float((~called[genuine]).mean())
        attacked.append(Attacked(model, name, radius, figures["auc"], missed, alarms))
        progress((place + 1) / (len(attacks) + 1))
    return attacked


def white_box(trained: TrainedFaces, radius: float, steps: int) -> Attack:
    """Return FGSM (one step) or PGD on a trained network."""

    def attack(crops: Image, genuine: bool) -> Image:
        torch.manual_seed(0)
        labels = torch.full((len(crops),), GENUINE if genuine else FORGED)
        attacked = perturb(
            trained.network,
            torch.from_numpy(crops),
            labels,
            radius=radius,
            steps=steps,
            random_start=steps > 1,
        )
        changed: Image = attacked.numpy()
        return changed

    return attack


def black_box(scorer: Scorer, radius: float, queries: int) -> Attack:
    """Return the square attack on a model whose scores can be asked for."""

    def attack(crops: Image, genuine: bool) -> Image:
        towards = np.full(len(crops), not genuine)
        return attack_by_squares(scorer.score, crops, towards, radius=radius, queries=queries)[0]

    return attack


def clips_to_test(store: FaceStore) -> list[StoredClip]:
    """Return the clips of the test split.

    Raises
    ------
    InputError
        If one of the kinds is missing.
    """
    clips = list(store.of_split("test"))
    if {stored.clip.label for stored in clips} != set(Label):
        raise InputError(
            "Attacks need genuine and forged test clips.", actual=f"{len(clips)} clips"
        )
    return clips


def train_both(
    store: FaceStore,
    settings: FaceTrainSettings,
    radius: float,
    run_folder: Path,
    options: TrainerSettings,
) -> dict[str, tuple[TrainedFaces, float]]:
    """Train a network as the recipe says and against attacks; return both with their seconds.

    Processor time, of what was not done by an earlier run.
    """
    networks = {}
    for name, against in (("plain", 0.0), ("adversarial", radius)):
        recipe = settings.model_copy(update={"adversarial": against})
        begun = time.process_time()
        trained = train_faces(
            [store], recipe, run_folder=run_folder / name, trainer_options=options
        )
        networks[name] = (trained, time.process_time() - begun)
    return networks
