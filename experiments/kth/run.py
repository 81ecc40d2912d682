"""Real footage of a hard kind: the walkers of the KTH actions data set.

Ten people walk past a 160 x 120 pixel camera, several times a clip: outdoors (``d1``), outdoors
coming nearer, so that their size changes (``d2``), outdoors in other clothes (``d3``) and indoors
(``d4``); Schüldt, Laptev & Caputo, ICPR 2004. Everybody is enrolled from one condition and probed
in every other one. They are 60 to 80 pixels tall, below what the quality gate lets through, so the
figures are reported with the gate as shipped, without its limit on height, and without any gate;
and with every single pass as a probe, or all passes of a clip together. A model of silhouettes gets
the masks of the same passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.kth.claims import GateResult, Pass, enroll, join_clips, judge
from experiments.shared import Progress, no_progress
from gaitproof.config import QualityGate, SilhouetteGate, VerifySettings
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.gait.features import compute_windows
from gaitproof.gait.quality import assess, usable_windows
from gaitproof.gait.silhouettes import assess_silhouettes, silhouette_windows, usable_frames
from gaitproof.pose.cleaning import CleanTrack, clean
from gaitproof.types import GaitWindows, PoseSequence, SilhouetteSequence
from gaitproof.types.silhouette_windows import SilhouetteWindows

if TYPE_CHECKING:
    from gaitproof.nets.encoder import WindowEncoder

CONDITIONS: Final = ("d1", "d2", "d3", "d4")

TARGET: Final = 0.05
"""Highest share of wrong verdicts among the claims of a kind that is aimed at."""

GATES: Final[dict[str, QualityGate | None]] = {
    "gate as shipped": QualityGate(),
    "gate without height limit": QualityGate(min_person_height=0.0),
    "no gate": None,
}

MASK_GATES: Final[dict[str, SilhouetteGate | None]] = {
    "gate as shipped": SilhouetteGate(),
    "gate without height limit": SilhouetteGate(min_height=1.0),
    "no gate": None,
}
"""As `GATES`, for masks."""

NOBODY: Final = "Nobody was seen in the clip."
"""Why a clip without any track has no windows; it is a pass that fails, not one less."""

_NAMES: Final = "person*_walking_*.mp4"


class _Extraction(Protocol):
    @property
    def tracks(self) -> tuple[PoseSequence, ...]: ...

    @property
    def silhouettes(self) -> tuple[SilhouetteSequence, ...]: ...


Windows = GaitWindows | SilhouetteWindows
Extractor = Callable[[Path], _Extraction]


@dataclass(frozen=True)
class KthResult:
    """Results by gate; the names that end in "whole clips" join the passes of each clip."""

    model_id: str
    people: int
    gates: dict[str, GateResult]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        return {
            "model_id": self.model_id,
            "people": self.people,
            "target": TARGET,
            "gates": {name: gate.to_dict() for name, gate in self.gates.items()},
        }


def run(
    folder: Path,
    *,
    encoder: WindowEncoder | None = None,
    cache: Path | None = None,
    settings: VerifySettings | None = None,
    extractor: Extractor | None = None,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> KthResult:
    """Enrol everybody from one condition and try every claim in the others, for each condition.

    Parameters
    ----------
    folder
        Holds ``personNN_walking_dD.mp4``.
    encoder
        None for the shipped weights.
    cache
        Folder for the pose estimates; None for the user's cache. A second run is quick.
    settings
        Pose and cleaning settings.
    extractor
        From a path to its tracks; None for `gaitproof.pose.extract.extract`.
    draws
        Bootstrap draws over people.
    progress
        Called with the share of clips done, 0 to 1.

    Raises
    ------
    InputError
        If the folder holds no such clips, or of fewer than three people or two conditions.
    """
    settings = settings or VerifySettings()
    clips = find_clips(folder)
    if encoder is None:
        from gaitproof.nets.onnx import OnnxEncoder

        encoder = OnnxEncoder.load()
    if extractor is None:
        extractor = cached_extractor(cache, settings)
    masks = encoder.card.signal == "silhouettes"
    passes: dict[str, list[Pass]] = {name: [] for name in GATES}
    for done, (person, condition, path) in enumerate(clips, start=1):
        extraction = extractor(path)
        walks = mask_walks(extraction) if masks else joint_walks(extraction, settings)
        for name, parts in walks.items():
            for i, (windows, reasons) in enumerate(parts or [(GaitWindows.empty(), (NOBODY,))]):
                passes[name].append(Pass(person, condition, i, embed(encoder, windows), reasons))
        progress(done / len(clips))
    gates = {}
    for name, walked in passes.items():
        least = settings.quality.min_template_windows if GATES[name] and not masks else 1
        templates = enroll(walked, least)
        gates[name] = judge(templates, walked, encoder, draws)
        gates[f"{name}, whole clips"] = judge(templates, join_clips(walked), encoder, draws)
    return KthResult(encoder.card.model_id, len({person for person, _, _ in clips}), gates)


def find_clips(folder: Path) -> list[tuple[str, str, Path]]:
    """List (person, condition, path) of the clips that are used.

    A person need not have a clip of every condition.

    Raises
    ------
    InputError
        If there are too few.
    """
    clips = []
    for path in sorted(folder.glob(_NAMES)):
        person, _, condition = path.stem.partition("_walking_")
        if condition in CONDITIONS:
            clips.append((person, condition, path))
    people = {person for person, _, _ in clips}
    conditions = {condition for _, condition, _ in clips}
    if len(people) < 3 or len(conditions) < 2:
        raise InputError(
            f"{str(folder)!r} does not hold the KTH walking clips.",
            expected="personNN_walking_d1.mp4 to _d4.mp4, three people and two conditions or more",
            actual=f"{len(people)} people, {len(conditions)} conditions",
            hint="https://www.csc.kth.se/cvap/actions (walking.zip)",
        )
    return clips


Walks = dict[str, list[tuple[Windows, tuple[str, ...]]]]
"""By gate: the usable windows of every pass in time order, or why there are none."""


def joint_walks(extraction: _Extraction, settings: VerifySettings) -> Walks:
    """Return the windows of joints of every pass."""
    tracks = [clean(t, settings.cleaning) for t in in_time_order(extraction.tracks)]
    return {name: [gated_windows(t, gate) for t in tracks] for name, gate in GATES.items()}


def mask_walks(extraction: _Extraction) -> Walks:
    """Return the windows of masks of every pass."""
    seen = sorted(
        (track for track in extraction.silhouettes if track.present.any()),
        key=lambda track: float(track.timestamps[track.present][0]),
    )
    return {name: [usable_masks(t, gate) for t in seen] for name, gate in MASK_GATES.items()}


def usable_masks(
    track: SilhouetteSequence, gate: SilhouetteGate | None
) -> tuple[SilhouetteWindows, tuple[str, ...]]:
    """Return the windows of the masks that a gate lets through, or why there are none."""
    if gate is None:
        windows = silhouette_windows(track)
        return windows, () if len(windows) else ("The pass is shorter than 0.6 s.",)
    report = assess_silhouettes(track, gate)
    if not report.usable:
        return SilhouetteWindows.empty(), tuple(report.reasons)
    return silhouette_windows(track.select(usable_frames(track, gate))), ()


def embed(encoder: WindowEncoder, windows: Windows) -> NDArray[np.float32]:
    """Return embeddings (N, D) of windows, of none too."""
    if not len(windows):
        return np.zeros((0, encoder.card.embedding_size), np.float32)
    return encoder.embed(windows)


def cached_extractor(cache: Path | None, settings: VerifySettings) -> Extractor:
    """Return what extracts a video once."""
    from gaitproof.pose.cache import PoseCache
    from gaitproof.pose.extract import extract

    store = PoseCache(cache)
    return lambda path: extract(path, settings, cache=store)


def in_time_order(tracks: Sequence[PoseSequence]) -> list[PoseSequence]:
    """Sort tracks by when the person is first seen; those without anybody are left out."""
    seen = [track for track in tracks if track.detected.any()]
    return sorted(seen, key=lambda track: float(track.timestamps[track.detected][0]))


def gated_windows(
    cleaned: CleanTrack, gate: QualityGate | None
) -> tuple[GaitWindows, tuple[str, ...]]:
    """Return the windows of a cleaned track that a gate lets through, or why there are none.

    Without a gate every window counts, and only a pass shorter than a window has none.
    """
    if gate is None:
        windows = compute_windows(cleaned.sequence)
        return windows, () if len(windows) else ("The pass is shorter than a window of 2 s.",)
    report = assess(cleaned, gate)
    if not report.usable:
        return GaitWindows.empty(), tuple(report.reasons)
    return usable_windows(cleaned, report), ()
