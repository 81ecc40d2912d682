"""Scores of an evaluation as tables for other programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.data.face.clips import Label
from gaitproof.data.face.splits import join_by_keys
from gaitproof.evaluate.face.result import FaceEvaluation
from gaitproof.evaluate.fusion_trials import SingleTrials, write_single
from gaitproof.media.files import write_atomically

SCORES_FILE: Final = "scores.csv"
TRIALS_FILE: Final = "trials.csv"

COLUMNS: Final = (
    "store",
    "path",
    "label",
    "manipulation",
    "keys",
    "pictures",
    "score",
    "log10_lr",
    "decision",
)


def write_scores(result: FaceEvaluation, folder: Path) -> list[Path]:
    """Write the score of every clip, and the likelihood ratios for ``gaitproof fusion --faces``.

    Returns
    -------
    list of Path
        What was written; without a calibration there are no likelihood ratios.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    groups: list[str] = []
    genuine: list[bool] = []
    ratios: list[float] = []
    for store in result.stores:
        joined = join_by_keys([answer.stored.clip.keys for answer in store.answers])
        for group, answer in zip(joined, store.answers, strict=True):
            clip, ratio = answer.stored.clip, answer.log10_lr
            table.writerow(
                (
                    store.name,
                    clip.path,
                    clip.label.value,
                    clip.manipulation,
                    ";".join(clip.keys),
                    answer.stored.images,
                    repr(answer.score),
                    "" if ratio is None else repr(ratio),
                    answer.decision,
                )
            )
            if ratio is not None:
                groups.append(f"{store.name}/{group}")
                genuine.append(clip.label is Label.REAL)
                ratios.append(ratio)
    written = [folder / SCORES_FILE]
    write_atomically(written[0], text.getvalue().encode())
    if ratios:
        written.append(folder / TRIALS_FILE)
        write_single(
            written[1], SingleTrials(np.array(groups), np.array(genuine), np.array(ratios))
        )
    return written
