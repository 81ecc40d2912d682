"""Both signals added up on rendered walkers: every probe of some demos claims each of the enrolled.

Weights are fitted on all demos, and figures are those of each demo by weights fitted without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.shared import Progress, no_progress
from gaitproof import metrics
from gaitproof.demo.plan import Plan, make_plan
from gaitproof.demo.run import clip_file, open_demo_verifier
from gaitproof.evaluate.bootstrap import Interval, percentile_interval
from gaitproof.modelling.operating_point import supported
from gaitproof.pose.cache import PoseCache
from gaitproof.types import Decision
from gaitproof.types.support import MODERATE
from gaitproof.verify.calibration import balanced_logistic, supported_bound
from gaitproof.verify.signals import SILHOUETTES, AnswerRates, KnownFootage

Float64 = NDArray[np.float64]

RIDGE: Final = 0.01
"""Of the logistic regression: few people, three numbers."""

UNIT: Final = 10.0
"""Similarities are multiplied by it for the fit, so that the ridge weighs both alike."""

DRAWS: Final = 2000

PEOPLE: Final = 4
"""Of one demo."""


@dataclass(frozen=True)
class DemoClaim:
    """What both signals say of a claim; `asked` if the demo itself asks it."""

    demo: str
    clip: str
    claim: str
    mated: bool
    asked: bool
    joints: float
    silhouettes: float


def read_claims(
    demos: Sequence[Path], cache: PoseCache | None, progress: Progress = no_progress
) -> list[DemoClaim]:
    """Enrol the people of every demo and ask who each of its probes shows."""
    plan = make_plan(0)  # names and bodies are the same for every seed
    claims: list[DemoClaim] = []
    for number, folder in enumerate(demos, start=1):
        claims += _read(folder, plan, cache)
        progress(number / len(demos))
    return claims


def _read(folder: Path, plan: Plan, cache: PoseCache | None) -> list[DemoClaim]:
    bodies = {name: clips[0].walker_seed for name, clips in plan.enrolment.items()}
    claims = []
    with TemporaryDirectory() as temporary:
        verifier = open_demo_verifier(Path(temporary) / "g.db", cache=cache)
        for name, clips in plan.enrolment.items():
            verifier.enroll(name, [folder / clip_file(clip) for clip in clips])
        for trial in plan.trials:
            if trial.expected is Decision.INCONCLUSIVE:
                continue
            answer = verifier.identify(folder / clip_file(trial.clip), top=len(bodies))
            for one in answer.candidates:
                masks = [s.similarity for s in one.signals if s.signal == SILHOUETTES]
                if not masks or masks[0] is None or one.signals[0].log10_lr is None:
                    continue
                claims.append(
                    DemoClaim(
                        folder.name,
                        trial.clip.name,
                        one.name,
                        trial.clip.walker_seed == bodies[one.name],
                        one.name == trial.claim,
                        one.signals[0].log10_lr,
                        masks[0],
                    )
                )
    return claims


def fit(claims: Sequence[DemoClaim]) -> tuple[float, float, float]:
    """Return intercept and weights of the joints' ratio and of the silhouettes' similarity."""
    given = np.array([[one.joints, UNIT * one.silhouettes] for one in claims])
    mated = np.array([one.mated for one in claims])
    slopes, intercept = balanced_logistic(given, mated, ridge=RIDGE)
    joints, silhouettes = slopes / np.log(10)
    return intercept / float(np.log(10)), float(joints), float(UNIT * silhouettes)


def left_out(claims: Sequence[DemoClaim]) -> Float64:
    """Return log10 likelihood ratios of every demo by weights fitted without it."""
    ratios = np.full(len(claims), np.nan)
    for demo in {one.demo for one in claims}:
        intercept, joints, silhouettes = fit([one for one in claims if one.demo != demo])
        for row, one in enumerate(claims):
            if one.demo == demo:
                ratios[row] = intercept + joints * one.joints + silhouettes * one.silhouettes
    bound = supported_bound(PEOPLE * len({one.demo for one in claims}))
    return np.clip(ratios, -bound, bound)


def make_known(claims: Sequence[DemoClaim], model_id: str) -> KnownFootage:
    """Fit on all demos, with the error rates of demos left out."""
    intercept, joints, silhouettes = fit(claims)
    demos = sorted({one.demo for one in claims})
    people = PEOPLE * len(demos)
    return KnownFootage(
        footage="walkers rendered by gaitproof",
        silhouettes_model=model_id,
        intercept=intercept,
        joints=joints,
        silhouettes=silhouettes,
        log10_lr_bound=supported_bound(people),
        rates=_rates(claims, left_out(claims), people),
    )


def _rates(claims: Sequence[DemoClaim], ratios: Float64, people: int) -> AnswerRates:
    mated = np.array([one.mated for one in claims])
    names, group = np.unique([one.demo for one in claims], return_inverse=True)
    drawn = np.random.default_rng(0).integers(len(names), size=(DRAWS, len(names)))

    def share(kind: NDArray[np.bool_], answers: NDArray[np.bool_]) -> Interval:
        hits = np.bincount(group[kind & answers], minlength=len(names))
        trials = np.bincount(group[kind], minlength=len(names))
        rates = hits[drawn].sum(axis=1) / np.maximum(trials[drawn].sum(axis=1), 1)
        return Interval(float(answers[kind].mean()), *percentile_interval(rates))

    least = metrics.supported_rate(people)
    undecided = np.abs(ratios) < MODERATE
    return AnswerRates(
        wrong_nonmated=supported(share(~mated, ratios >= MODERATE), least),
        wrong_mated=supported(share(mated, ratios <= -MODERATE), least),
        undecided_nonmated=supported(share(~mated, undecided), 0.0),
        undecided_mated=supported(share(mated, undecided), 0.0),
        measured_on=(
            f"{people} rendered walkers of {len(names)} demos, three walks enrolled, each demo by "
            "weights fitted without it; rates no lower than so many people support"
        ),
    )
