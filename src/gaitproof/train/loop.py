"""One training run: walks in, encoder out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gaitproof.errors import InputError
from gaitproof.gait.features import compute_features
from gaitproof.nets.hybrid import PairHead
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.registry import create_network, embedding_size
from gaitproof.train.augment import augment, mirror
from gaitproof.train.config import TrainSettings
from gaitproof.train.losses import balanced_pair_loss, supervised_contrastive
from gaitproof.types import GaitWindows
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

if TYPE_CHECKING:
    from gaitproof.train.sources import Recording

_NORMALISER_WINDOWS = 2048
_EMBED_BATCH = 512
_GRID = np.arange(WINDOW_FRAMES) / WINDOW_RATE


@dataclass
class TrainedEncoder:
    """A network with its normaliser, on torch."""

    network: nn.Module
    normaliser: Normaliser
    losses: list[float] = field(default_factory=list)

    def embed(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return one unit embedding per window, shape (N, E)."""
        self.network.eval()
        inputs = torch.from_numpy(self.normaliser(windows.features, windows.mask))
        with torch.inference_mode():
            parts = [self.network(part) for part in torch.split(inputs, _EMBED_BATCH)]
        result: NDArray[np.float32] = torch.cat(parts).numpy()
        return result


class WindowSampler:
    """Draws identity batches of augmented windows.

    Parameters
    ----------
    recordings
        Training walks; those without 2 s of unbroken frames are left out.
    settings
        Batch shape and augmentation.
    rng
        Source of chance.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    """

    def __init__(
        self, recordings: Sequence[Recording], settings: TrainSettings, rng: np.random.Generator
    ) -> None:
        self.settings = settings
        self.rng = rng
        walks: dict[tuple[str, str], list[list[NDArray[np.float32]]]] = {}
        for recording in recordings:
            if recording.segments:
                walks.setdefault((recording.source, recording.subject), []).append(
                    recording.segments
                )
        if len(walks) < 2:
            raise InputError(
                "Training needs walks of at least two subjects.", actual=str(len(walks))
            )
        self.people = list(walks.values())

    @property
    def n_labels(self) -> int:
        """People, mirrored ones counted as further people."""
        return len(self.people) * (2 if self.settings.augment.mirror else 1)

    def draw(self, people: int, windows: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draw augmented windows.

        Returns
        -------
        tuple of ndarray
            Points (people * windows, 60, 12, 3) and labels (people * windows,).
        """
        chosen = self.rng.choice(self.n_labels, min(people, self.n_labels), replace=False)
        points = np.stack([self._window(label) for label in chosen for _ in range(windows)])
        return augment(points, self.settings.augment, self.rng), np.repeat(chosen, windows)

    def _window(self, label: int) -> NDArray[np.float64]:
        walks = self.people[label % len(self.people)]
        segments = walks[self.rng.integers(len(walks))]
        sizes = np.array([len(s) - WINDOW_FRAMES + 1 for s in segments], float)
        segment = segments[self.rng.choice(len(segments), p=sizes / sizes.sum())]
        start = self.rng.integers(len(segment) - WINDOW_FRAMES + 1)
        window = segment[start : start + WINDOW_FRAMES].astype(np.float64)
        return mirror(window) if label >= len(self.people) else window


def features_of(
    points: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Compute features (B, 60, 78), 0 where unknown, and mask (B, 78) of point windows."""
    features = compute_features(_GRID, points)
    mask = np.isfinite(features).all(axis=1)
    return np.where(mask[:, None, :], features, 0.0), mask


def train(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None] | None = None,
) -> TrainedEncoder:
    """Train an encoder with identity batches; the same seed gives the same weights.

    AdamW on a one-cycle schedule; supervised contrastive loss plus the pair head's cross-entropy.

    Parameters
    ----------
    recordings
        Walks of the training subjects only.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.

    Returns
    -------
    TrainedEncoder
        With the loss of every step.
    """
    rng = np.random.default_rng(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    sampler = WindowSampler(recordings, settings, rng)
    normaliser = Normaliser.fit(
        *features_of(
            sampler.draw(sampler.n_labels, -(-_NORMALISER_WINDOWS // sampler.n_labels))[0]
        ),
        settings.alignment,
    )
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = create_network(settings.architecture)
        head = PairHead(embedding_size(settings.architecture))
        parameters = [*network.parameters(), *head.parameters()]
        optimiser = torch.optim.AdamW(
            parameters, settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=settings.steps
        )
        trained = TrainedEncoder(network, normaliser)
        network.train()
        for step in range(settings.steps):
            points, people = sampler.draw(settings.people_per_batch, settings.windows_per_person)
            inputs = torch.from_numpy(normaliser(*features_of(points)))
            labels = torch.from_numpy(people)
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.mixed_precision):
                embeddings = network(inputs)
            embeddings = nn.functional.normalize(embeddings.float(), dim=1)
            loss = supervised_contrastive(embeddings, labels, settings.temperature)
            if settings.pair_weight:
                pair = balanced_pair_loss(head, embeddings, labels, generator)
                loss = loss + settings.pair_weight * pair
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
            optimiser.step()
            schedule.step()
            trained.losses.append(loss.item())
            if progress is not None:
                progress((step + 1) / settings.steps, trained.losses[-1])
    network.eval()
    return trained
