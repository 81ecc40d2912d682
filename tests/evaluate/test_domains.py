"""Leaving domains out: references take offsets off, and no domain contradicts the calibration."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gaitproof.errors import InputError
from gaitproof.evaluate.domains import DomainClips, leave_domain_out, measure, relative_trials
from gaitproof.evaluate.plans import make_plan
from gaitproof.evaluate.trials import Trials
from gaitproof.evaluate.worst_case import domain_curve, worst_case
from gaitproof.nets.card import ReferenceCalibration
from gaitproof.verify.calibration import log10_likelihood_ratios


def domain(name, people=12, *, noise=0.4, shift=2.0, seed=0, enrolled=2, windows=2):
    """Three clips per person; `shift` is what everybody there has in common."""
    rng = np.random.default_rng([seed, len(name), ord(name[0])])
    offset = shift * rng.normal(size=16)
    recordings, rows = [], []
    for person in range(people):
        own = rng.normal(size=16)
        for clip in range(3):
            embeddings = own + offset + noise * rng.normal(size=(windows, 16))
            rows.append(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True))
            recordings.append(
                SimpleNamespace(
                    subject=f"p{person}",
                    recording=f"r{clip}",
                    condition="",
                    view="",
                    source=name,
                    parent="",
                )
            )
    return DomainClips(name, recordings, rows, enrolled)


def median(trials):
    return float(np.median(trials.scores[~trials.mated]))


def test_references_take_off_what_everybody_has_in_common():
    clips = domain("street")
    plain, relative = (relative_trials(clips, count) for count in (0, 8))
    assert len(plain) == len(relative) == 12 * 12
    assert median(plain) > 0.85
    assert abs(median(relative) - 0.5) < 0.12


def test_nobody_of_the_trial_is_a_reference():
    clips = domain("street", people=4)
    assert relative_trials(clips, 3) is None
    two = relative_trials(clips, 2)
    again = relative_trials(clips, 2, seed=7)  # of four people two are left: there is no chance
    other = ~two.mated
    assert np.array_equal(two.scores[other], again.scores[other])


def test_single_windows_are_harder():
    clips = domain("street", noise=1.5)
    whole, short = (relative_trials(clips, 8, level=level) for level in ("clip", "window"))
    assert whole.scores[whole.mated].mean() > short.scores[short.mated].mean()


def test_no_ratio_is_larger_than_any_domain_bears_out():
    easy, hard = domain("easy", noise=0.2), domain("hard", noise=2.5)
    trials = {clips.domain: relative_trials(clips, 8) for clips in (easy, hard)}
    curves = {name: domain_curve(of_domain) for name, of_domain in trials.items()}
    both = worst_case(list(curves.values()), bound=2.0)
    alone = worst_case([curves["easy"]], bound=2.0)
    grid = np.linspace(0, 1, 101)
    joint, single = (log10_likelihood_ratios(grid, card) for card in (both, alone))
    assert (np.diff(joint) >= 0).all()
    assert (np.abs(joint) <= np.abs(single) + 1e-9).all()
    for of_domain in trials.values():
        ratios = log10_likelihood_ratios(of_domain.scores, both)
        assert (ratios[~of_domain.mated] >= 1).mean() <= 0.03
        assert (ratios[of_domain.mated] <= -1).mean() <= 0.06


def test_domains_that_disagree_say_nothing():
    low, high = domain("low", shift=0.0), domain("high", shift=6.0)
    card = worst_case([domain_curve(relative_trials(c, 0)) for c in (low, high)], bound=0.5)
    impostors = relative_trials(high, 0)
    ratios = log10_likelihood_ratios(impostors.scores[~impostors.mated], card)
    assert (ratios < 1).all()


def test_every_domain_is_measured_by_a_calibration_of_the_others():
    domains = [domain(name, noise=0.3) for name in ("a", "bb", "ccc")]
    evaluation = leave_domain_out(domains, references=(0, 5), draws=50)
    assert [(f.domain, f.references) for f in evaluation.figures] == [
        (name, count) for count in (0, 5) for name in ("a", "bb", "ccc")
    ]
    without, relative = evaluation.figures[:3], evaluation.figures[3:]
    assert all(f.decided == 0 and f.cllr < 1.01 for f in without)
    assert all(f.decided > 0.5 for f in relative)
    assert all(f.wrong_authentic.value <= 0.05 for f in relative)
    assert evaluation.evidence.calibration(0).log10_lr_bound == pytest.approx(np.log10(2))
    clips = relative_trials(domains[0], 5)
    others = [
        Trials.concatenate([relative_trials(d, 5, level=level) for level in ("clip", "window")])
        for d in domains[1:]
    ]
    fitted = ReferenceCalibration(
        references=5, calibration=worst_case([domain_curve(trials) for trials in others])
    )
    assert relative[0] == measure("a", clips, 5, fitted, draws=50)


def test_of_footage_that_cannot_be_tested_nothing_is_said_and_it_weakens_no_other():
    known = [domain(name, noise=0.3) for name in ("a", "bb", "ccc")]
    slow = replace(domain("dddd", noise=2.5), calibrates=False)
    alone, beside = (
        leave_domain_out(tried, references=(0, 5), draws=20) for tried in (known, [*known, slow])
    )
    assert beside.evidence.by_references == alone.evidence.by_references
    assert [f for f in beside.figures if f.domain != "dddd"] == list(alone.figures)
    for figures in (f for f in beside.figures if f.domain == "dddd"):
        assert (figures.cllr, figures.decided) == (pytest.approx(1), 0)
        assert figures.auc.value < 0.95


def test_scaled_similarities_without_references_say_nothing_for_a_claim():
    domains = [replace(domain(n, noise=0.3, shift=0.0), scaled=True) for n in ("a", "bb", "ccc")]
    evidence = leave_domain_out(domains, references=(0, 5), draws=20).evidence
    ratios = [evidence.calibration(count).log10_lr for count in (0, 5)]
    assert max(ratios[0]) == 0 > min(ratios[0])
    assert max(ratios[1]) > 1


@pytest.mark.parametrize(
    ("places", "people", "counts"),
    [(("", "", ""), 30, True), (("room", "room", ""), 30, False), (("", "", ""), 12, False)],
)
def test_long_probes_count_where_each_place_that_bears_them_out_was_left_out(
    places, people, counts
):
    domains = [
        replace(domain(name, people, windows=5), place=place)
        for name, place in zip(("a", "bb", "ccc"), places, strict=True)
    ]
    calibration = leave_domain_out(domains, references=(0, 5), draws=2).evidence.by_references[-1]
    assert (calibration.long is not None) is counts


def test_two_domains_are_too_few():
    with pytest.raises(InputError, match="3 domains"):
        leave_domain_out([domain("a"), domain("bb")])


def test_references_come_from_the_footage_of_the_probe():
    clips = domain("street")
    labels = [("hall", "yard", "lane")[i % 3] for i in range(len(clips.recordings))]
    turned = [
        -rows if label == "lane" else rows
        for rows, label in zip(clips.embeddings, labels, strict=True)
    ]
    plan = make_plan(clips.recordings, enrolled=1)
    before = relative_trials(replace(clips, plans=[plan], footage=labels), 8)
    after = relative_trials(replace(clips, plans=[plan], footage=labels, embeddings=turned), 8)
    same = before.scores == after.scores
    assert same.mean() == 0.5  # the probes from the yard; the others are from the lane
    assert relative_trials(replace(clips, plans=[plan], footage=labels), 11) is None


def test_several_plans_are_tried_together():
    clips = domain("street")
    plans = [make_plan(clips.recordings, enrolled=count) for count in (1, 2)]
    pooled = relative_trials(replace(clips, plans=plans), 0)
    single = [relative_trials(replace(clips, plans=[plan]), 0) for plan in plans]
    assert len(pooled) == sum(map(len, single))
    assert np.array_equal(pooled.scores, np.concatenate([one.scores for one in single]))
