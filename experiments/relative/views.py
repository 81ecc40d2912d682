"""What silhouettes decide relative to references by how far the view differs from the enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.evaluate.bootstrap import DRAWS, bootstrap_means, percentile_interval
from gaitproof.evaluate.calibration import calibrate
from gaitproof.evaluate.domains import (
    LEAST_REFERENCES,
    DomainClips,
    leave_domain_out,
    relative_trials,
)
from gaitproof.evaluate.plans import make_plan
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import EvidenceCard, ViewFigures
from gaitproof.types import ErrorRate
from gaitproof.types.support import MODERATE

DIFFERENCES: Final = (0, 18, 36, 54, 72, 90)
"""Degrees between the one view enrolled and the one tried."""

_FIT_DRAWS: Final = 20
"""Bootstrap draws where only the calibration is wanted."""


def measure_views(
    clothes: Sequence[DomainClips], others: Sequence[DomainClips], enrolled: int, draws: int = DRAWS
) -> tuple[ViewFigures, ...]:
    """Enrol normal walks from each view alone, and try each kind of clothes from each view.

    Parameters
    ----------
    clothes
        CASIA-B's, one domain for each kind of clothes; each is measured by the calibration that
        was fitted without it.
    others
        Further domains of the calibration.
    enrolled
        Walks per template.
    draws
        Bootstrap draws over people.

    Returns
    -------
    tuple of ViewFigures
        One entry for each of `DIFFERENCES`.
    """
    figures = []
    domains = [*clothes, *others]
    evidence = [
        leave_domain_out(
            [d for d in domains if d is not own],
            references=(0, LEAST_REFERENCES),
            draws=_FIT_DRAWS,
        ).evidence
        for own in clothes
    ]
    views = sorted({recording.view for recording in clothes[0].recordings})
    for apart in DIFFERENCES:
        pairs = [(a, b) for a, b in product(views, views) if abs(int(a) - int(b)) == apart]
        parts, decided = [], []
        for own, card in zip(clothes, evidence, strict=True):
            trials = _trials(own, pairs, enrolled)
            parts.append(trials)
            decided.append(_decisions(trials, card))
        whole, signs = Trials.concatenate(parts), np.concatenate(decided)
        answers = np.stack([signs == 1, signs == -1], axis=1).astype(np.float64)
        mated, other = bootstrap_means(whole, answers, draws=draws)
        figures.append(
            ViewFigures(
                degrees=apart,
                people=len(whole.subjects),
                wrong_authentic=_rate((signs[~whole.mated] == 1).mean(), other[:, 0]),
                wrong_deepfake=_rate((signs[whole.mated] == -1).mean(), mated[:, 1]),
                decided_nonmated=float((signs[~whole.mated] != 0).mean()),
                decided_mated=float((signs[whole.mated] != 0).mean()),
            )
        )
    return tuple(figures)


def _trials(clips: DomainClips, pairs: Sequence[tuple[str, str]], enrolled: int) -> Trials:
    condition = clips.domain.split()[-1]
    scopes = [Scope(("nm",), (condition,), (a,), (b,)) for a, b in pairs]
    plans = [
        make_plan(clips.recordings, enrolled=enrolled, enroll=one.enrolls, probe=one.probes)
        for one in scopes
    ]
    trials = relative_trials(replace(clips, plans=plans), LEAST_REFERENCES)
    assert trials is not None
    return trials


def _decisions(trials: Trials, evidence: EvidenceCard) -> NDArray[np.int8]:
    windows = np.maximum(trials.windows, 1)
    signs = np.zeros(len(trials), np.int8)
    for count in np.unique(windows):
        rows = windows == count
        card = evidence.calibration(LEAST_REFERENCES, int(count))
        ratios = np.nan_to_num(calibrate(trials, card)[rows])
        signs[rows] = (ratios >= MODERATE).astype(np.int8) - (ratios <= -MODERATE).astype(np.int8)
    return signs


def _rate(value: float, drawn: NDArray[np.float64]) -> ErrorRate:
    low, high = percentile_interval(drawn)
    return ErrorRate(float(value), float(min(low, value)), float(max(high, value)))
