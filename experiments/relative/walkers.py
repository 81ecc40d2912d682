"""Silhouettes of rendered walkers: the films of the demo, one folder for each of its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import VerifySettings
from gaitproof.demo.plan import make_plan as make_demo
from gaitproof.evaluate.domains import DomainClips
from gaitproof.evaluate.plans import make_plan
from gaitproof.pose.extract import extract
from gaitproof.verify.masks import MaskSignal

if TYPE_CHECKING:
    from gaitproof.evaluate.trials import GaitRecording
    from gaitproof.nets.encoder import WindowEncoder
    from gaitproof.pose.cache import PoseCache

ENROLLED = 2
"""Walks per template."""


@dataclass(frozen=True)
class Film:
    """What the evaluation knows of a film: a row as of a `GaitRecording`, without joints."""

    subject: str
    recording: str
    condition: str
    source: str = "rendered walkers"
    view: str = ""
    parent: str = ""
    windows: None = None
    flat: bool = True
    bones: None = None


def read_walkers(folder: Path, masks: WindowEncoder, cache: PoseCache | None) -> DomainClips:
    """Embed the films below a folder, ``*/clips/*.mp4``, each demo with four people of its own."""
    settings = VerifySettings()
    signal = MaskSignal(masks, settings.silhouettes)
    body = {clip.name: clip.walker_seed for clip in make_demo(0).clips}
    films, rows = [], []
    for path in sorted(folder.glob("*/clips/*.mp4")):
        silhouettes = extract(path, settings, cache=cache).silhouettes
        if path.stem in body and silhouettes:
            subject = f"{path.parents[1].name} {body[path.stem]}"
            films.append(Film(subject, path.stem, "enrol" if "enrol" in path.stem else "probe"))
            rows.append(signal.probe("", silhouettes).embeddings)
    return walker_clips(films, rows)


def walker_clips(films: Sequence[Film], rows: Sequence[NDArray[np.float32]]) -> DomainClips:
    """Enrol the first walks of everybody and try the others, relative to people of all demos."""
    known = cast("Sequence[GaitRecording]", films)

    def of(condition: str) -> Any:
        return lambda film: film.condition == condition

    plan = make_plan(known, enrolled=ENROLLED, enroll=of("enrol"), probe=of("probe"))
    return DomainClips("rendered walkers", known, rows, plans=[plan], scaled=True)
