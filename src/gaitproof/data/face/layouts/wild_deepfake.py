"""WildDeepfake (Zi et al., ACM MM 2020): face crops, no videos.

::

    {real,fake}_{train,test}/<archive>/{real,fake}/<sequence>/<frame>.png

Nobody is named, so every archive (one video of the web) is kept together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import folders_in, images_in, relative
from gaitproof.errors import InputError

TOPS: Final = {
    f"{label.value}_{split}": (label, split) for label in Label for split in ("train", "test")
}


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return any((root / top).is_dir() for top in TOPS)


def read(root: Path) -> tuple[FaceClip, ...]:
    """List the sequences of crops.

    Raises
    ------
    InputError
        If a real archive holds fakes or the other way round.
    """
    clips = []
    for top, (label, split) in TOPS.items():
        for archive in folders_in(root / top):
            for inner in folders_in(archive):
                if inner.name != label.value:
                    raise InputError(
                        f"{relative(inner, root)!r} contradicts the folder it is in.",
                        expected=label.value,
                        actual=inner.name,
                    )
                clips += [
                    FaceClip(
                        path=relative(sequence, root),
                        label=label,
                        keys=(f"{top}/{archive.name}",),
                        manipulation=ORIGINAL if label is Label.REAL else "in the wild",
                        split=split,
                        cropped=True,
                    )
                    for sequence in folders_in(inner)
                    if images_in(sequence)
                ]
    return tuple(clips)
