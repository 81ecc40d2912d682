from __future__ import annotations

from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scripted import make_card

from experiments.signals import command
from experiments.signals.domains import Domain, fit
from experiments.signals.run import LEARNT, SUM, TARGET, run
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import Kind, Trials
from gaitproof.nets.card import ScoreHistogram

PEOPLE = [f"p{i}" for i in range(6)]


def trials(rng, gap: float, middle: float = 0.6) -> Trials:
    """Four probes of everybody against everybody; genuine claims score higher by a gap."""
    rows = [(a, b, n) for a, b, n in product(PEOPLE, PEOPLE, range(4))]
    mated = np.array([a == b for a, b, _ in rows])
    scores = np.clip(middle + gap * (mated - 0.5) + rng.normal(0, 0.05, len(rows)), 0, 1)
    return Trials(
        scores=scores,
        mated=mated,
        probe=np.array([a for a, _, _ in rows]),
        claimed=np.array([b for _, b, _ in rows]),
        recording=np.array([f"{a}/{n}" for a, _, n in rows]),
        source=np.full(len(rows), "kth"),
        kind=np.array([Kind.MATED if a == b else Kind.ENROLLED for a, b, _ in rows]),
        fold=np.zeros(len(rows), np.int64),
        windows=np.full(len(rows), 3),
    )


def card(signal: str, **changes):
    edges = tuple(np.linspace(0, 1, 11).round(1))
    scores = ScoreHistogram(
        source="t", edges=edges, mated=(0,) * 7 + (5, 9, 1), nonmated=(1, 9, 5) + (0,) * 7
    )
    joints = signal == "joints"
    fields = {} if joints else {"mean": (), "std": (), "dimensions": 2, "signal": signal}
    return make_card(f"{signal}-1", **(fields | {"scores": scores} | changes))


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    found = {
        level: SimpleNamespace(
            joints=SimpleNamespace(trials=trials(rng, 0.02)),
            silhouettes=SimpleNamespace(trials=trials(rng, 0.25)),
        )
        for level in ("clip", "pass")
    }
    encoders = (SimpleNamespace(card=card(name)) for name in ("joints", "silhouettes"))
    return run(
        Path("data"),
        *encoders,
        draws=50,
        walks=(),
        read=lambda *args, **options: found,
    )


def test_a_signal_that_tells_nobody_counts_little(result):
    joints, silhouettes = (result.weights.signals[name] for name in ("joints", "silhouettes"))
    assert joints.calibration.slope < silhouettes.calibration.slope
    assert joints.domains == {"KTH": 6}
    assert silhouettes.domains == {"held out when silhouettes-1 was made": 100, "KTH": 6}
    # six unseen people support no ratio above six
    assert result.weights.log10_lr_bound == pytest.approx(np.log10(6))


def test_answers_keep_to_the_target(result):
    for level in result.levels.values():
        assert level.answers[SUM]["wrong non-mated"].value <= TARGET
        assert level.answers[SUM]["wrong mated"].value <= TARGET
        auc = level.comparison[1]
        assert auc.reference == "silhouettes"
        assert auc.row(SUM).value > 0.95
        assert {row.name for row in auc.rows} == {"joints", "silhouettes", SUM, LEARNT}


def test_tables_are_drawn(result):
    tables = command._tables(result)
    assert [table.row_count for table in tables] == [3, 8, 12]
    assert "decides from" in command._lines(result)[-1]
    assert set(result.to_dict()) == {"weights", "domains", "levels"}


def test_a_claim_is_calibrated_without_its_people():
    rng = np.random.default_rng(1)
    domain = Domain.of_trials("KTH", trials(rng, 0.2))
    left = domain.without(["p0", "p1"])
    assert left.people == 4
    assert not {"p0", "p1"} & {*left.probe, *left.claimed}


@pytest.mark.parametrize(("gap", "rises"), [(0.2, True), (-0.2, False)])
def test_a_calibration_never_falls(gap, rises):
    found = fit([Domain.of_trials("KTH", trials(np.random.default_rng(2), gap))])
    assert (found.slope > 0) is rises
    assert found.subjects == 6


def test_domains_whose_thresholds_differ_have_a_smaller_slope_together():
    rng = np.random.default_rng(3)
    near, far = (Domain.of_trials(n, trials(rng, 0.2, m)) for n, m in (("a", 0.5), ("b", 0.7)))
    assert fit([near, far]).slope < 0.7 * min(fit([near]).slope, fit([far]).slope)


def test_a_card_without_scores_is_refused():
    with pytest.raises(InputError, match="no scores"):
        Domain.of_card(card("joints", scores=None))
