"""The walkers of KTH, each pass with its joints and its silhouettes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from experiments.kth.claims import GateResult, Pass, enroll, join_clips, judge
from experiments.kth.run import NOBODY, find_clips, gated_windows
from experiments.shared import Progress, no_progress
from gaitproof.config import QualityGate, SilhouetteGate, VerifySettings
from gaitproof.pose.cache import PoseCache
from gaitproof.pose.cleaning import clean
from gaitproof.pose.extract import extract
from gaitproof.types import PoseSequence, SilhouetteSequence
from gaitproof.verify.masks import MaskSignal

if TYPE_CHECKING:
    from gaitproof.nets.encoder import Encoder, WindowEncoder

QUALITY: Final = QualityGate(min_person_height=0.0)
MASKS: Final = SilhouetteGate(min_height=1.0)
"""People are 60 to 80 pixels tall: what the gates as shipped would refuse."""

LEVELS: Final = ("clip", "pass")


@dataclass(frozen=True, eq=False)
class Claims:
    """The same claims by either signal, whole clips or single passes as probes."""

    joints: GateResult
    silhouettes: GateResult


def read_kth(
    folder: Path,
    encoder: Encoder,
    masks: WindowEncoder,
    *,
    cache: Path | None = None,
    settings: VerifySettings | None = None,
    draws: int,
    progress: Progress = no_progress,
) -> dict[str, Claims]:
    """Enrol everybody from one condition and try every claim in the others, by both signals.

    Parameters
    ----------
    folder
        Holds ``personNN_walking_dD.mp4``.
    encoder, masks
        Of joints and of silhouettes.
    cache
        Folder for poses; a second run is quick.
    settings
        Pose and cleaning settings; the gates are `QUALITY` and `MASKS`.
    draws
        Bootstrap draws over people.
    progress
        Called with the share of clips done, 0 to 1.

    Returns
    -------
    dict
        By level, ``clip`` and ``pass``.
    """
    settings = settings or VerifySettings()
    joints, shapes = read_passes(
        folder, encoder, masks, cache=cache, settings=settings, progress=progress
    )
    least = settings.quality.min_template_windows
    known, seen = enroll(joints, least), enroll(shapes, 1)
    return {
        level: Claims(judge(known, first, encoder, draws), judge(seen, second, masks, draws))
        for level, first, second in (
            ("clip", join_clips(joints), join_clips(shapes)),
            ("pass", joints, shapes),
        )
    }


def read_passes(
    folder: Path,
    encoder: Encoder,
    masks: WindowEncoder,
    *,
    cache: Path | None = None,
    settings: VerifySettings | None = None,
    progress: Progress = no_progress,
) -> tuple[list[Pass], list[Pass]]:
    """Return every pass by its joints and by its silhouettes; arguments as `read_kth`."""
    settings = settings or VerifySettings()
    store, signal = PoseCache(cache), MaskSignal(masks, MASKS)
    clips = find_clips(folder)
    joints: list[Pass] = []
    shapes: list[Pass] = []
    for done, (person, condition, path) in enumerate(clips, start=1):
        extraction = extract(path, settings, cache=store)
        pairs = sorted(
            (
                (track, shape)
                for track, shape in zip(extraction.tracks, extraction.silhouettes, strict=True)
                if track.detected.any()
            ),
            key=lambda pair: float(pair[0].timestamps[pair[0].detected][0]),
        )
        for number, pair in enumerate(pairs):
            own = Pass(person, condition, number, *_joints(encoder, pair[0], settings))
            joints.append(own)
            vectors, reasons = _silhouettes(signal, pair[1])
            shapes.append(replace(own, embeddings=vectors, reasons=reasons))
        if not pairs:
            size = (encoder.card.embedding_size, masks.card.embedding_size)
            joints.append(Pass(person, condition, 0, np.zeros((0, size[0]), np.float32), (NOBODY,)))
            shapes.append(Pass(person, condition, 0, np.zeros((0, size[1]), np.float32), (NOBODY,)))
        progress(done / len(clips))
    return joints, shapes


def _joints(
    encoder: Encoder, track: PoseSequence, settings: VerifySettings
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    windows, reasons = gated_windows(clean(track, settings.cleaning), QUALITY)
    if not len(windows):
        return np.zeros((0, encoder.card.embedding_size), np.float32), reasons
    return encoder.embed(windows), reasons


def _silhouettes(
    signal: MaskSignal, shape: SilhouetteSequence
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    if not shape.present.any():
        return np.zeros((0, signal.card.embedding_size), np.float32), (NOBODY,)
    probe = signal.probe("0" * 64, (shape,))
    return probe.embeddings, (probe.reason,) if probe.reason else ()
