"""Figures against independent libraries: their values on fixed scores are in a file.

`reference_values.json` names the libraries and their versions. bob.measure's EER is the mean of
the two rates at one threshold, gaitproof's is interpolated, so the two agree to a step of the
curves; its AUC is a trapezoid on 2,000 thresholds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gaitproof import metrics

REFERENCE = json.loads((Path(__file__).parent / "reference_values.json").read_text())
CASES = {case["name"]: case for case in REFERENCE["cases"]}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    reference = CASES[request.param]
    scores = np.array(reference["mated"] + reference["nonmated"])
    return {
        **reference,
        "scores": scores,
        "labels": np.arange(len(scores)) < len(reference["mated"]),
    }


def test_libraries_and_versions_are_named() -> None:
    assert set(REFERENCE["made_with"]) == {"bob.measure", "lir", "numpy"}


def test_cllr_is_that_of_lir_and_of_bob_measure(case: dict[str, Any]) -> None:
    cllr = metrics.cllr(case["scores"], case["labels"])
    assert cllr == pytest.approx(case["lir"]["cllr"], rel=1e-9)
    assert cllr == pytest.approx(case["bob"]["cllr"], rel=1e-9)


def test_min_cllr_is_that_of_lir(case: dict[str, Any]) -> None:
    min_cllr = metrics.min_cllr(case["scores"], case["labels"])
    assert min_cllr == pytest.approx(case["lir"]["min_cllr"], rel=1e-9)


def test_min_cllr_of_curves_is_that_of_scores(case: dict[str, Any]) -> None:
    curves = metrics.compute_error_curves(case["scores"], case["labels"])
    stacked = metrics.min_cllr_from_rates(
        np.stack([curves.fmr, np.ones_like(curves.fmr)]),
        np.stack([curves.fnmr, np.full_like(curves.fnmr, np.nan)]),
    )
    assert stacked[0] == pytest.approx(case["lir"]["min_cllr"], rel=1e-9)
    assert np.isnan(stacked[1])


def test_min_dcf_is_that_of_bob_measure(case: dict[str, Any]) -> None:
    min_dcf = metrics.min_dcf(case["scores"], case["labels"], 0.05)
    assert min_dcf == pytest.approx(case["bob"]["min_dcf"], rel=1e-9)


def test_eer_is_that_of_bob_measure_to_a_step_of_the_curves(case: dict[str, Any]) -> None:
    curves = metrics.compute_error_curves(case["scores"], case["labels"])
    crossing = int(np.flatnonzero(curves.fmr >= curves.fnmr)[-1])
    step = max(
        curves.fmr[crossing] - curves.fmr[crossing + 1],
        curves.fnmr[crossing + 1] - curves.fnmr[crossing],
    )
    eer = metrics.eer(case["scores"], case["labels"])
    assert eer == pytest.approx(case["bob"]["eer"], abs=step / 2 + 1e-9)


def test_auc_is_that_of_scikit_learn_and_near_that_of_bob_measure(case: dict[str, Any]) -> None:
    auc = metrics.auc(case["scores"], case["labels"])
    assert auc == pytest.approx(roc_auc_score(case["labels"], case["scores"]), rel=1e-12)
    assert auc == pytest.approx(case["bob"]["auc"], abs=1e-3)


def test_fnmr_at_an_fmr_is_that_of_bob_measure_to_one_claim(case: dict[str, Any]) -> None:
    fnmr = metrics.fnmr_at_fmr(case["scores"], case["labels"], 0.1)
    assert fnmr == pytest.approx(
        case["bob"]["fnmr_at_fmr_10pct"], abs=1 / len(case["mated"]) + 1e-9
    )


def test_cllr_and_ece_from_means_are_those_of_the_trials(case: dict[str, Any]) -> None:
    labels = case["labels"]
    terms = metrics.likelihood_terms(case["scores"], labels)
    cost, gap = metrics.likelihood_figures(terms[labels].mean(axis=0), terms[~labels].mean(axis=0))
    assert cost == pytest.approx(metrics.cllr(case["scores"], labels))
    assert gap == pytest.approx(metrics.ece(case["scores"], labels))
