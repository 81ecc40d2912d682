"""Joints and silhouettes relative to people filmed in the same way, on footage left out.

Silhouettes are tried on people whom their model has not seen: three kinds of clothes of CASIA-B,
enrolled from four views and from one and tried in the others, and KTH, enrolled in one condition
and tried in the others. Each is left out of the calibration by which it is measured. On KTH, which
neither signal has seen, both answer together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from experiments.kth.claims import Pass, join_clips, shares, wrong_verdicts
from experiments.relative.views import measure_views
from experiments.relative.walkers import Film
from experiments.shared import Progress, no_progress
from gaitproof import metrics
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Interval,
    intervals,
)
from gaitproof.evaluate.calibration import calibrate
from gaitproof.evaluate.domains import (
    LEAST_REFERENCES,
    DomainClips,
    leave_domain_out,
    relative_trials,
)
from gaitproof.evaluate.plans import make_plan
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.trials import GaitRecording, Trials
from gaitproof.types import Decision, ErrorRate
from gaitproof.types.support import NO_SUPPORT
from gaitproof.verify.decision import decide_by_support
from gaitproof.verify.signals import JOINTS, SILHOUETTES, RelativeRates, settle

if TYPE_CHECKING:
    from gaitproof.data.gait.silhouettes import SilhouetteRecording
    from gaitproof.nets.card import EvidenceCard

Float32 = NDArray[np.float32]
Embed = Callable[[Any], Float32]

VIEWS: Final = (("000", "036", "090", "144"), ("000",), ("090",), ("036", "144"))
"""Views enrolled of CASIA-B; tried in all others."""

ENROLLED: Final = 4
"""Normal walks of CASIA-B per template, as in its protocol."""

BOTH: Final = "both together"


@dataclass(frozen=True)
class RelativeResult:
    """Evidence of silhouettes, and what the signals decide on KTH.

    Parameters
    ----------
    evidence
        For the card of the silhouettes, every domain left out among its figures.
    rates
        Of both together on KTH.
    answers
        By signal: AUC, wrong and decided shares on KTH.
    """

    evidence: EvidenceCard
    rates: RelativeRates
    answers: dict[str, dict[str, Interval]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "evidence": self.evidence.model_dump(mode="json"),
            "rates": self.rates.model_dump(mode="json"),
            "kth": {
                signal: {name: vars(one) for name, one in answer.items()}
                for signal, answer in self.answers.items()
            },
        }


def run(
    passes: dict[str, Sequence[Pass]],
    walks: Sequence[SilhouetteRecording],
    embed: Embed,
    joints: EvidenceCard,
    *,
    further: Sequence[DomainClips] = (),
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> RelativeResult:
    """Calibrate and measure.

    Parameters
    ----------
    passes
        KTH by signal, see `experiments.signals.kth.read_passes`.
    walks
        CASIA-B's, of people whom the model of `embed` has not seen.
    embed
        From windows of silhouettes to embeddings.
    joints
        Evidence card of the joints' model, which has not seen KTH.
    further
        Other domains of silhouettes that the model of `embed` has not seen.
    draws
        Bootstrap draws over people.
    progress
        Called with the share of `walks` embedded, 0 to 1.
    """
    # too few people of one condition have joints: there all of KTH is one footage
    kth = {
        JOINTS: replace(kth_clips(passes[JOINTS]), footage=(), scaled=False),
        SILHOUETTES: kth_clips(passes[SILHOUETTES]),
    }
    casia = casia_clips(walks, embed, progress)
    result = leave_domain_out([*casia, kth[SILHOUETTES], *further], draws=draws)
    without = leave_domain_out([*casia, *further], references=(0, LEAST_REFERENCES), draws=20)
    views = measure_views(casia, [kth[SILHOUETTES], *further], ENROLLED, draws)
    trials = {signal: _trials(clips) for signal, clips in kth.items()}
    ratios = {
        # read from one camera, by no estimator of the calibration: see `within_tested`
        JOINTS: np.clip(_ratios(trials[JOINTS], joints), -NO_SUPPORT, NO_SUPPORT),
        SILHOUETTES: _ratios(trials[SILHOUETTES], without.evidence),
    }
    ratios[BOTH] = settle(ratios[JOINTS], ratios[SILHOUETTES])
    answers = {
        signal: _measure(trials[SILHOUETTES].with_scores(values), draws)
        for signal, values in ratios.items()
    }
    evidence = result.evidence.model_copy(update={"views": views})
    return RelativeResult(evidence, _rates(answers[BOTH], kth[SILHOUETTES].people), answers)


def kth_clips(passes: Sequence[Pass]) -> DomainClips:
    """Enrol each condition and try the others; people of a probe's condition are references."""
    clips = join_clips(passes)
    recordings = [Film(one.person, one.condition, one.condition, "KTH") for one in clips]
    conditions = sorted({one.condition for one in clips})
    known = cast("Sequence[GaitRecording]", recordings)

    def of(*wanted: str) -> Callable[[GaitRecording], bool]:
        return lambda recording: recording.condition in wanted

    plans = [
        make_plan(
            known,
            enrolled=1,
            enroll=of(condition),
            probe=of(*(other for other in conditions if other != condition)),
        )
        for condition in conditions
    ]
    return DomainClips(
        "KTH",
        known,
        [one.embeddings for one in clips],
        plans=plans,
        footage=[one.condition for one in clips],
        scaled=True,
    )


def casia_clips(
    walks: Sequence[SilhouetteRecording], embed: Embed, progress: Progress = no_progress
) -> list[DomainClips]:
    """Try each kind of clothes against normal walks from other views."""
    rows = []
    for number, walk in enumerate(walks, start=1):
        rows.append(embed(walk.windows))
        progress(number / len(walks))
    views = sorted({walk.view for walk in walks})
    domains = []
    for condition in sorted({walk.condition for walk in walks}):
        scopes = [
            Scope(("nm",), (condition,), enrolled, tuple(v for v in views if v not in enrolled))
            for enrolled in VIEWS
        ]
        plans = [
            make_plan(walks, enrolled=ENROLLED, enroll=scope.enrolls, probe=scope.probes)
            for scope in scopes
        ]
        footage = [f"{walk.condition} {walk.view}" for walk in walks]
        domains.append(
            DomainClips(
                f"CASIA-B {condition}",
                walks,
                rows,
                plans=plans,
                footage=footage,
                scaled=True,
                place="CASIA-B",
            )
        )
    return domains


def _trials(clips: DomainClips) -> Trials:
    trials = relative_trials(clips, LEAST_REFERENCES)
    assert trials is not None
    return trials


def _ratios(trials: Trials, evidence: EvidenceCard) -> NDArray[np.float64]:
    windows = np.maximum(trials.windows, 1)
    ratios = np.full(len(trials), np.nan)
    for count in np.unique(windows):
        card = evidence.calibration(LEAST_REFERENCES, int(count))
        ratios[windows == count] = calibrate(trials, card)[windows == count]
    return ratios


def _measure(trials: Trials, draws: int) -> dict[str, Interval]:
    """Return AUC, wrong and decided shares; a claim without a score is not decided."""
    decisions = [
        decide_by_support(ratio) if np.isfinite(ratio) else Decision.INCONCLUSIVE
        for ratio in trials.scores
    ]
    wrong = wrong_verdicts(trials, decisions, draws)
    decided = shares(
        trials, np.array([one is not Decision.INCONCLUSIVE for one in decisions]), draws
    )
    return {
        "auc": intervals(trials, draws=draws)["auc"],
        "wrong AUTHENTIC": wrong["non-mated"],
        "wrong DEEPFAKE": wrong["mated"],
        "decided, mated": decided["mated"],
        "decided, non-mated": decided["non-mated"],
    }


def _rates(rates: dict[str, Interval], people: int) -> RelativeRates:
    def rate(name: str, turned: bool = False) -> ErrorRate:
        one = rates[name]
        if turned:
            return ErrorRate(1 - one.value, 1 - one.high, 1 - one.low)
        # no error among few people is no proof that there is none
        high = one.high if one.value else metrics.supported_rate(people)
        return ErrorRate(one.value, one.low, high)

    return RelativeRates(
        references=LEAST_REFERENCES,
        wrong_nonmated=rate("wrong AUTHENTIC"),
        wrong_mated=rate("wrong DEEPFAKE"),
        undecided_nonmated=rate("decided, non-mated", turned=True),
        undecided_mated=rate("decided, mated", turned=True),
        measured_on=(
            "KTH Actions relative to five other people of the probe's condition: ten people "
            "enrolled in one of four conditions and tried in the others, 60 to 80 pixels tall; "
            "neither the models nor their calibrations have seen them or their camera"
        ),
    )
