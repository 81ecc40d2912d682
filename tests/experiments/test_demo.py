"""Both signals of rendered walkers added up: fitted without the demo that is measured."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.demo.run import PEOPLE, DemoClaim, fit, left_out, make_known
from gaitproof import metrics


def claims(demos=6, shift=0.0):
    rng = np.random.default_rng(3)
    verdicts = []
    for demo in range(demos):
        for probe in range(4):
            for claim in range(3):
                mated = probe == claim
                joints, masks = (
                    rng.normal(0.8 if mated else -0.8),
                    rng.normal(0.93 - 0.1 * (not mated), 0.03),
                )
                verdicts.append(
                    DemoClaim(
                        f"s{demo}", f"c{probe}", f"p{claim}", mated, True, joints, masks + shift
                    )
                )
    return verdicts


def test_both_signals_speak_for_the_claim():
    _, joints, silhouettes = fit(claims())
    assert joints > 0
    assert silhouettes > 0


def test_a_demo_has_no_say_in_its_own_ratios():
    plain = claims()
    odd = [one for one in claims(shift=0.2) if one.demo == "s0"]
    changed = left_out([*odd, *(one for one in plain if one.demo != "s0")])
    own = left_out(plain)
    # only what is asked about it changes, not the weights that it is asked with
    _, _, silhouettes = fit([one for one in plain if one.demo != "s0"])
    bound = np.log10(PEOPLE * 6)
    first = np.clip(own[: len(odd)], -bound, bound)
    inside = (np.abs(first) < bound) & (np.abs(changed[: len(odd)]) < bound)
    assert changed[: len(odd)][inside] == pytest.approx(first[inside] + 0.2 * silhouettes)


def test_rates_are_no_lower_than_so_many_people_support():
    known = make_known(claims(), "masks-1")
    least = metrics.supported_rate(PEOPLE * 6)
    assert known.rates.wrong_mated.value >= least
    assert known.rates.wrong_nonmated.value >= least
    assert known.log10_lr_bound == pytest.approx(np.log10(PEOPLE * 6))
