from __future__ import annotations

import io

import numpy as np
import pytest

from gaitproof.errors import ModelError
from gaitproof.gait.silhouettes import energy_images
from gaitproof.types.silhouette import pack_masks
from gaitproof.types.silhouette_windows import SilhouetteWindows
from gaitproof.verify.evidence import offset, relative_cosines
from gaitproof.verify.movement import AverageWalkers, parse_average, weigh_movement
from gaitproof.verify.scoring import mean_direction


def walk(seed: int, count: int = 6) -> SilhouetteWindows:
    """Windows of a body of its own width whose legs swing at its own rate."""
    rng = np.random.default_rng(seed)
    width, rate = rng.integers(8, 20), rng.uniform(0.8, 2.5)
    masks = np.zeros((count, 50, 64, 44), np.uint8)
    masks[:, :, :40, 22 - width // 2 : 22 + width // 2] = 1
    for window in range(count):
        for frame in range(50):
            swing = int(8 * np.sin(2 * np.pi * rate * (frame / 25 + window)))
            legs = masks[window, frame, 40:]
            legs[:, 18 + swing : 22 + swing] = legs[:, 22 - swing : 26 - swing] = 1
    bits = pack_masks(masks.reshape(-1, 64, 44)).reshape(count, 50, -1)
    return SilhouetteWindows(bits, np.arange(count, dtype=np.float64))


class Encoder:
    """Looks at one kind of energy image, or at one frame."""

    card = cohort = None

    def __init__(self, looks_at: str) -> None:
        self.looks_at = looks_at

    def embed(self, windows: SilhouetteWindows) -> np.ndarray:
        images = np.stack([energy_images(masks) for masks in windows.masks])
        if self.looks_at == "frame":
            seen = windows.masks[:, 0].astype(np.float32)
        else:
            seen = {"build": images[:, :1], "movement": images[:, 1:4], "both": images}[
                self.looks_at
            ]
        flat = seen.reshape(len(windows), -1)
        return (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)


def even_walk(width: int) -> np.ndarray:
    """Energy images of a body of that width whose legs swing once a second."""
    masks = np.zeros((50, 64, 44), np.uint8)
    masks[:, :40, 22 - width // 2 : 22 + width // 2] = 1
    for frame, mask in enumerate(masks):
        swing = int(8 * np.sin(2 * np.pi * frame / 25))
        mask[40:, 18 + swing : 22 + swing] = mask[40:, 22 - swing : 26 - swing] = 1
    return energy_images(masks)


AVERAGES = AverageWalkers(np.stack([even_walk(12), even_walk(16)]), np.full(2, 0.5))
FIRST = AverageWalkers(AVERAGES.images[:1], AVERAGES.steps[:1])


@pytest.mark.parametrize(
    ("looks_at", "least", "most"), [("build", 0, 0.01), ("movement", 0.85, 1), ("both", 0.01, 0.99)]
)
def test_the_share_is_that_of_what_the_model_looks_at(looks_at, least, most):
    encoder, windows = Encoder(looks_at), walk(0)
    template = encoder.embed(windows)[0]
    share = weigh_movement(encoder, windows, template, AVERAGES)
    assert share is not None
    assert least <= share.movement_share <= most
    assert share.fidelity > 0.95


def test_the_two_parts_add_up_to_the_score_over_an_average_walker():
    encoder, windows = Encoder("both"), walk(0)
    template = encoder.embed(walk(5))[0]
    share = weigh_movement(encoder, windows, template, FIRST)
    assert share is not None
    own = encoder.embed(windows).mean(axis=0) @ template
    average = (AVERAGES.images[0] / np.linalg.norm(AVERAGES.images[0])).ravel() @ template
    assert share.build + share.movement == pytest.approx(own - average, abs=0.02)


def test_relative_to_references_they_add_up_to_the_score_relative_to_them():
    encoder, windows = Encoder("both"), walk(0)
    template = encoder.embed(walk(5))[0]
    people = np.concatenate([encoder.embed(walk(n))[:1] for n in (7, 8, 9)])
    share = weigh_movement(encoder, windows, template, FIRST, people)
    average = (AVERAGES.images[0] / np.linalg.norm(AVERAGES.images[0])).ravel()[None]
    own, other = (
        relative_cosines(mean_direction(rows), template, offset(people))
        for rows in (encoder.embed(windows), average)
    )
    assert share.build + share.movement == pytest.approx(own - other, abs=0.02)


def test_of_a_model_that_looks_at_frames_nothing_is_said():
    # a walk is made again nearly frame by frame, noise is not
    noise = np.random.default_rng(0).integers(0, 256, (1, 50, 352), np.uint8)
    encoder, windows = Encoder("frame"), SilhouetteWindows(noise, np.zeros(1))
    assert weigh_movement(encoder, windows, encoder.embed(windows)[0], AVERAGES) is None


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"images": np.zeros((2, 10, 64, 44)), "steps": np.ones(2)},
        {"images": np.zeros((10, 64, 44), np.uint8), "steps": np.ones(())},
        {"images": np.zeros((2, 10, 64, 44), np.uint8)},
        {"images": np.zeros((2, 10, 64, 44), np.uint8), "steps": np.ones(3)},
        {"images": np.zeros((2, 10, 64, 44), np.uint8), "steps": np.zeros(2)},
    ],
    ids=["none", "floats", "one", "no steps", "steps of others", "no time"],
)
def test_a_file_of_something_else_is_refused(arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    with pytest.raises(ModelError, match="average walkers"):
        parse_average(out.getvalue(), "made.npz")
