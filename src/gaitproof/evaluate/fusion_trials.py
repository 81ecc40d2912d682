"""Trials of gait and face together: read from a table, or made of trials of either alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.media.files import write_atomically
from gaitproof.reading import FileKind, read_table, shown
from gaitproof.text import csv_text
from gaitproof.types.rows import Rows, freeze

Float64 = NDArray[np.float64]

GENUINE: Final = "genuine"
OTHER: Final = "not genuine"
"""Kind of the other trials where the table does not say more."""

STRANGER: Final = "somebody else, untouched face"
REENACTED: Final = "own walk, manipulated face"
SWAPPED: Final = "somebody else, manipulated face"

JOINT_COLUMNS: Final = ("group", "genuine", "gait", "face")
SINGLE_COLUMNS: Final = ("group", "genuine", "log10_lr")

_TABLE: Final = FileKind("table of trials", InputError, 100 * 2**20)


@dataclass(frozen=True, eq=False)
class FusionTrials(Rows):
    """Videos with a claim: log10 likelihood ratios of gait and face, and the truth.

    Parameters
    ----------
    group
        Shape (N,), the person in the video, or whatever must stay together.
    genuine
        Shape (N,), whether the video shows the claimed person's own body and an untouched face.
    gait, face
        Shape (N,), log10 likelihood ratios, NaN where there is none.
    kind
        Shape (N,), `GENUINE`, or what is wrong with the video.

    Raises
    ------
    InputError
        If the shapes differ, a number is infinite, or genuine trials and the kind `GENUINE` are
        not the same.
    """

    group: NDArray[np.str_]
    genuine: NDArray[np.bool_]
    gait: Float64
    face: Float64
    kind: NDArray[np.str_]

    def __post_init__(self) -> None:
        types = {"genuine": np.bool_, "gait": np.float64, "face": np.float64}
        for one in fields(self):
            array = np.array(getattr(self, one.name), types.get(one.name, np.str_))
            if array.shape != (np.size(self.group),):
                raise InputError(
                    f"'{one.name}' of fusion trials has another length than the groups.",
                    actual=str(array.shape),
                )
            freeze(self, **{one.name: array})
        if np.isinf(self.gait).any() or np.isinf(self.face).any():
            raise InputError("A likelihood ratio of fusion trials is infinite.")
        if (self.genuine != (self.kind == GENUINE)).any():
            raise InputError(f"Trials are genuine exactly where their kind is {GENUINE!r}.")

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Shape (N,), where both likelihood ratios are known."""
        known: NDArray[np.bool_] = np.isfinite(self.gait) & np.isfinite(self.face)
        return known


@dataclass(frozen=True, eq=False)
class SingleTrials:
    """Trials of one modality: who is in the video, whether it is genuine, log10 LR; shape (N,)."""

    group: NDArray[np.str_]
    genuine: NDArray[np.bool_]
    log10_lr: Float64


def read_trials(path: Path) -> FusionTrials:
    """Read trials of gait and face from a table.

    Parameters
    ----------
    path
        CSV with the columns ``group``, ``genuine`` (1 or 0), ``gait`` and ``face`` (log10
        likelihood ratios, empty where there is none) and, if wanted, ``kind`` (a name for what is
        wrong with a video that is not genuine).

    Raises
    ------
    InputError
        If the file cannot be read, or a row is malformed.
    """
    rows = _read(path, JOINT_COLUMNS, ("kind",))
    genuine = _parse(path, rows, "genuine", _truth)
    kinds = [row.get("kind") or "" for row in rows]
    return FusionTrials(
        group=np.array(_parse(path, rows, "group", _name)),
        genuine=np.array(genuine),
        gait=np.array(_parse(path, rows, "gait", _ratio)),
        face=np.array(_parse(path, rows, "face", _ratio)),
        kind=np.array(
            [GENUINE if true else kind or OTHER for true, kind in zip(genuine, kinds, strict=True)]
        ),
    )


def read_single(path: Path) -> SingleTrials:
    """Read trials of one modality: CSV with ``group``, ``genuine`` and ``log10_lr``.

    Raises
    ------
    InputError
        If the file cannot be read, or a row is malformed or without a likelihood ratio.
    """
    rows = _read(path, SINGLE_COLUMNS)
    return SingleTrials(
        np.array(_parse(path, rows, "group", _name)),
        np.array(_parse(path, rows, "genuine", _truth)),
        np.array(_parse(path, rows, "log10_lr", _number)),
    )


def write_single(path: Path, trials: SingleTrials) -> None:
    """Write trials of one modality as `read_single` reads them; those without a ratio are left out.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    columns = (trials.group.tolist(), trials.genuine.tolist(), trials.log10_lr.tolist())
    rows = (
        (group, int(genuine), repr(ratio))
        for group, genuine, ratio in zip(*columns, strict=True)
        if math.isfinite(ratio)
    )
    write_atomically(path, csv_text([SINGLE_COLUMNS, *rows]).encode())


def pair_at_random(walks: SingleTrials, faces: SingleTrials, *, seed: int = 0) -> FusionTrials:
    """Make trials of both from trials of either, by giving every walker a face.

    A walker and a person of the face trials become one made-up person, and their trials are paired
    at random: genuine with genuine, and all three ways in which a video can be false. Gait and face
    are independent then, given what is true of them, which is what a face swap of good quality
    does and what one bad camera for both does not: figures on made-up people are no figures on
    people filmed with gait and face (Poh & Bengio, MLMI 2005).

    Parameters
    ----------
    walks, faces
        Of any people; the smaller number of people decides, drawn at random.
    seed
        Of the drawing.

    Raises
    ------
    InputError
        If no made-up person has genuine and false trials of both.
    """
    rng = np.random.default_rng(seed)
    own, other = rng.permutation(np.unique(walks.group)), rng.permutation(np.unique(faces.group))
    parts: list[tuple[str, str, Float64, Float64]] = []
    kinds = {(True, True): GENUINE, (False, True): STRANGER,
             (True, False): REENACTED, (False, False): SWAPPED}  # fmt: skip
    for walker, face in zip(own, other, strict=False):
        for (walk_true, face_true), kind in kinds.items():
            gait = walks.log10_lr[(walks.group == walker) & (walks.genuine == walk_true)]
            image = faces.log10_lr[(faces.group == face) & (faces.genuine == face_true)]
            count = min(len(gait), len(image))
            parts.append(
                (
                    f"{walker}+{face}",
                    kind,
                    rng.permutation(gait)[:count],
                    rng.permutation(image)[:count],
                )
            )
    if any(not any(len(g) for _, k, g, _ in parts if k == kind) for kind in kinds.values()):
        raise InputError(
            "Walks and faces cannot be paired.",
            expected="genuine and other trials of both, of the same people each",
        )
    kind = np.concatenate([np.full(len(g), k) for _, k, g, _ in parts])
    return FusionTrials(
        group=np.concatenate([np.full(len(g), name) for name, _, g, _ in parts]),
        genuine=kind == GENUINE,
        gait=np.concatenate([g for *_, g, _ in parts]),
        face=np.concatenate([f for *_, f in parts]),
        kind=kind,
    )


def _read(path: Path, needed: Sequence[str], allowed: Sequence[str] = ()) -> list[dict[str, str]]:
    header, rows = read_table(path, _TABLE)
    if not {*needed} <= {*header} <= {*needed, *allowed}:
        raise InputError(
            f"The table {str(path)!r} has other columns than it should.",
            expected=",".join(needed) + "".join(f"[,{column}]" for column in allowed),
            actual=",".join(header) or "an empty file",
        )
    if not rows:
        raise InputError(f"The table {str(path)!r} holds no trials.")
    return rows


def _parse(
    path: Path,
    rows: Sequence[dict[str, str]],
    column: str,
    parse: Callable[[str], Any],
) -> list[Any]:
    trials = []
    for number, row in enumerate(rows, start=2):
        text = row[column].strip()
        try:
            trials.append(parse(text))
        except ValueError as error:
            raise InputError(
                f"Line {number} of {str(path)!r} has an impossible '{column}'.",
                expected=str(error),
                actual=shown(text),
            ) from error
    return trials


def _name(text: str) -> str:
    if not text:
        raise ValueError("a name")
    return text


def _truth(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("1 or 0")
    return text == "1"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("a finite log10 likelihood ratio")
    return value


def _ratio(text: str) -> float:
    return _number(text) if text else math.nan
