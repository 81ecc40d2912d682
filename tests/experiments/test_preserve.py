"""Tables and resuming; the films and the comparison have tests of their own."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from experiments.preserve import command
from experiments.preserve import run as bench
from gaitproof.types.preservation import Outcome

FIGURES = dict.fromkeys(("pck", "cosine", "step_width", "symmetry", "distance", "velocity"), 0.5)


def trial(pair, case, outcome):
    return bench.Trial(
        pair, case, outcome, "because", FIGURES, {"distance": 0.01}, {"passed": pair % 2 == 0}
    )


def test_swaps_are_expected_to_keep_the_walk_and_others_not():
    assert trial(0, "face swap", Outcome.CHANGED).expected is Outcome.PRESERVED
    assert trial(0, "same walker, another walk", Outcome.CHANGED).expected is Outcome.CHANGED
    assert set(bench.SWAPS) | set(bench.OTHERS) == set(bench.CASES)


def test_only_pairs_that_set_no_limit_are_counted():
    first = bench.CALIBRATION_PAIRS
    trials = [
        trial(pair, case, Outcome.PRESERVED if case in bench.SWAPS else Outcome.CHANGED)
        for pair in (0, first, first + 1)
        for case in bench.CASES
    ]
    console = Console(width=200)
    with console.capture() as captured:
        console.print(command.outcome_table(trials))
        console.print(command.figure_table(trials))
    text = captured.get()
    assert "2 synthetic pairs" in text
    assert "1 of 2" in text
    assert text.count("0.500 0.500 0.500") == 6 * len(bench.CASES)


def test_finished_pairs_are_kept_and_others_made(tmp_path, monkeypatch):
    made = []
    clips = dict.fromkeys(("original", *bench.CASES), tmp_path / "x.mp4")
    monkeypatch.setattr(bench, "_film", lambda folder, seed, number: made.append(number) or clips)
    monkeypatch.setattr(
        bench, "_compare", lambda number, case, *paths: trial(number, case, Outcome.CHANGED)
    )
    first = bench._pair(tmp_path, 0, 3)
    again = bench._pair(tmp_path, 0, 3)
    assert made == [3]
    assert first == again
    assert [t.case for t in first] == list(bench.CASES)
    json.dumps(bench.to_dict(first))


@pytest.mark.slow
def test_one_pair_from_film_to_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "SECONDS", 2.6)
    monkeypatch.setattr(bench, "TRIM", (0.2, 2.5))
    monkeypatch.setattr(bench, "SIZE", (480, 270))
    clips = bench._film(tmp_path, 0, 1)
    assert all(path.is_file() for path in clips.values())
    cases = {"face swap": Outcome.PRESERVED, bench.OTHERS[0]: Outcome.CHANGED}
    for case, expected in cases.items():
        compared = bench._compare(1, case, clips["original"], clips[case])
        assert compared.outcome is compared.expected is expected, compared.reason
