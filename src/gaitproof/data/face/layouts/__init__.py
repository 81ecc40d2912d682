"""Readers of the folder layouts in which data sets of faces are published.

A reader looks only at places that the layout defines, below the root: the root's own name, or a
word in a path, never decides a label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gaitproof.data.face.clips import FaceClip, natural
from gaitproof.data.face.layouts import (
    celeb_df,
    dfdc,
    faceforensics,
    fake_av_celeb,
    forged_parts,
    plain,
    table,
    wild_deepfake,
)
from gaitproof.errors import ConfigError, InputError

Reader = Callable[[Path], tuple[FaceClip, ...]]

LAYOUTS: Final[Mapping[str, tuple[Callable[[Path], bool], Reader]]] = MappingProxyType(
    {
        "faceforensics": (faceforensics.fits, faceforensics.read),
        "celeb-df": (celeb_df.fits, celeb_df.read),
        "dfdc": (dfdc.fits, dfdc.read),
        "wild-deepfake": (wild_deepfake.fits, wild_deepfake.read),
        "fake-av-celeb": (fake_av_celeb.fits, fake_av_celeb.read),
        "lav-df": (forged_parts.fits_lav_df, forged_parts.read_lav_df),
        "av-deepfake1m": (forged_parts.fits_deepfake_1m, forged_parts.read_deepfake_1m),
        "plain": (plain.fits, plain.read),
        # looks the same: which of the two it is must be said
        "numbered": (lambda _: False, plain.read_numbered),
        "table": (table.fits, table.read),
    }
)
"""By name: does a folder look like it, and what is in it."""


def read_layout(root: Path, layout: str = "auto") -> tuple[FaceClip, ...]:
    """List the clips of a data set.

    Parameters
    ----------
    root
        The data set's folder.
    layout
        A name of `LAYOUTS`, or ``auto``.

    Returns
    -------
    tuple of FaceClip
        In natural order of their paths, no path twice.

    Raises
    ------
    ConfigError
        If there is no such layout.
    InputError
        If the folder is missing, fits no layout, or its lists contradict its files.
    """
    if not root.is_dir():
        raise InputError(f"The folder {str(root)!r} does not exist.")
    if layout != "auto" and layout not in LAYOUTS:
        raise ConfigError(f"There is no layout {layout!r}.", expected=", ".join(("auto", *LAYOUTS)))
    if layout == "auto":
        fitting = [name for name, (fits, _) in LAYOUTS.items() if fits(root)]
        if len(fitting) != 1:
            raise InputError(
                f"It is unclear which data set is in {str(root)!r}.",
                expected="one of the layouts " + ", ".join(LAYOUTS),
                actual=" and ".join(fitting) if fitting else "none of them",
                hint="name it with --layout",
            )
        layout = fitting[0]
    clips = LAYOUTS[layout][1](root)
    if not clips:
        raise InputError(
            f"There are no clips in {str(root)!r} where the layout {layout!r} has them.",
            hint="docs/guide/face-data.md shows the folders that are looked for",
        )
    return tuple(sorted(clips, key=lambda clip: natural(clip.path)))
