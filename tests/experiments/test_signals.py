from __future__ import annotations

from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scripted import make_card

from experiments.signals import command
from experiments.signals.domains import Domain, fit
from experiments.signals.run import LEARNT, SHIPPED, SUM, TARGET, run
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
    levels = {
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
        read=lambda *args, **options: levels,
    )


def test_the_weights_say_what_they_are_of(result):
    weights = result.weights
    assert (weights.joints_model, weights.silhouettes.model_id) == ("joints-1", "silhouettes-1")
    assert weights.silhouettes.domains == {"KTH": 6}
    # six unseen people support no ratio above six
    assert weights.silhouettes.calibration.log10_lr_bound == pytest.approx(np.log10(6))
    assert result.domains["silhouettes"]["KTH"]["auc"] > 0.95


def test_support_takes_wrong_acceptances_away_and_adds_none(result):
    for level in result.levels.values():
        before, after = (level.answers[name] for name in ("joints by their card", SHIPPED))
        assert after["wrong non-mated"].value <= min(TARGET, before["wrong non-mated"].value)
        assert after["wrong mated"].value == before["wrong mated"].value
        auc = level.comparison[1]
        assert auc.reference == "silhouettes"
        assert {row.name for row in auc.rows} == {"joints", "silhouettes", SHIPPED, SUM, LEARNT}


def test_tables_are_drawn(result):
    tables = command._tables(result)
    assert [table.row_count for table in tables] == [4, 10, 6]
    assert "a claim is accepted from" in command._lines(result)[-1]
    assert set(result.to_dict()) == {"weights", "domains", "levels"}


def test_a_claim_is_calibrated_without_its_people():
    rng = np.random.default_rng(1)
    domain = Domain.of_trials("KTH", trials(rng, 0.2))
    left = domain.without(["p0", "p1"])
    assert left.people == 4
    assert not {"p0", "p1"} & {*left.probe, *left.claimed}


@pytest.mark.parametrize(("gap", "rises"), [(0.2, True), (-0.2, False)])
def test_a_calibration_never_falls(gap, rises):
    calibration = fit([Domain.of_trials("KTH", trials(np.random.default_rng(2), gap))])
    assert (calibration.slope > 0) is rises
    assert calibration.subjects == 6


def test_domains_whose_thresholds_differ_have_a_smaller_slope_together():
    rng = np.random.default_rng(3)
    near, far = (Domain.of_trials(n, trials(rng, 0.2, m)) for n, m in (("a", 0.5), ("b", 0.7)))
    assert fit([near, far]).slope < 0.7 * min(fit([near]).slope, fit([far]).slope)


def test_a_card_without_scores_is_refused():
    with pytest.raises(InputError, match="no scores"):
        Domain.of_card(card("joints", scores=None))
