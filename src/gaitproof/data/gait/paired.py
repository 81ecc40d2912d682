"""Walks of which both the silhouettes and the joints are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.load import MANIFEST
from gaitproof.data.gait.manifest import load_tracks
from gaitproof.data.gait.recording import Recording
from gaitproof.errors import InputError
from gaitproof.gait.silhouettes import silhouette_windows
from gaitproof.pose.formats.silhouette_npz import load_silhouettes
from gaitproof.types.paired_windows import PairedWindows
from gaitproof.types.silhouette import SilhouetteSequence


@dataclass(frozen=True, eq=False)
class PairedRecording:
    """One walk of one subject as silhouettes and joints; what the evaluation knows of any walk.

    Parameters
    ----------
    joints
        With the labels of the walk.
    silhouettes
        With the same clock.
    """

    joints: Recording
    silhouettes: SilhouetteSequence

    @property
    def subject(self) -> str:
        """Who walks."""
        return self.joints.subject

    @property
    def recording(self) -> str:
        """Name of the walk."""
        return self.joints.recording

    @property
    def condition(self) -> str:
        """Clothing, carrying, place."""
        return self.joints.condition

    @property
    def view(self) -> str:
        """Camera."""
        return self.joints.view

    @property
    def source(self) -> str:
        """Data set."""
        return self.joints.source

    @property
    def parent(self) -> str:
        """Recording this one was made from by augmentation; empty for an original."""
        return self.joints.parent

    @property
    def flat(self) -> bool:
        """Silhouettes are images: True."""
        return True

    @property
    def bones(self) -> NDArray[np.float64] | None:
        """Median bone lengths, if known."""
        return self.joints.bones

    @property
    def segments(self) -> list[NDArray[Any]]:
        """What the walk is made of: masks, then unbroken paths of joints."""
        return [self.silhouettes.bits, *self.joints.segments]

    @cached_property
    def windows(self) -> PairedWindows:
        """All windows in which both are known."""
        return PairedWindows.of(silhouette_windows(self.silhouettes), self.joints.windows)


def load_paired(path: Path, name: str) -> list[PairedRecording]:
    """Read the walks of a manifest whose poses and silhouettes have been extracted.

    Parameters
    ----------
    path
        As `gaitproof.data.gait.manifest.load_manifest` takes it, or the folder it is in. Videos
        extracted by ``gaitproof extract --silhouettes``; those in which nobody was found go.
    name
        Name of the data set.

    Raises
    ------
    InputError
        If a file is missing or malformed.
    """
    walks = []
    for track, joints in load_tracks(path / MANIFEST if path.is_dir() else path, name):
        file = track.with_suffix(".silhouettes.npz")
        if file.exists():
            walks.append(PairedRecording(joints, load_silhouettes(file)))
        elif track.exists():
            raise InputError(
                f"There are no silhouettes beside {str(track)!r}.",
                hint="run: gaitproof extract VIDEOS -o POSES --silhouettes",
            )
    return walks
