"""CSV of events, parameters and angles, read back with the standard library."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import fields

import numpy as np
import pytest
from walking import make_walk

from gaitproof.gait.cycles import UNITS, angles_csv, events_csv, measure_profile, parameters_csv
from gaitproof.gait.events import GaitEvents, find_events
from gaitproof.gait.parameters import GaitParameters, measure_gait


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


def test_events_are_in_the_order_of_time() -> None:
    events = find_events(make_walk(seconds=6.0))
    table = rows(events_csv(events))
    times = [float(row["time_s"]) for row in table]
    assert times == sorted(times)
    for side in ("left", "right"):
        for kind, expected in (("heel_strike", "strikes"), ("toe_off", "offs")):
            mine = [float(r["time_s"]) for r in table if (r["side"], r["event"]) == (side, kind)]
            np.testing.assert_allclose(mine, getattr(events, f"{side}_{expected}"), atol=1e-4)
            assert len(mine) >= 4


def test_no_events_is_a_table_without_lines() -> None:
    nothing = GaitEvents(*(np.zeros(0) for _ in range(4)), runs=())
    assert events_csv(nothing) == "time_s,side,event\n"


def test_parameters_have_units_and_unknown_ones_are_empty() -> None:
    assert set(UNITS) == {field.name for field in fields(GaitParameters)}
    parameters = measure_gait(make_walk(seconds=6.0, world=False))
    by_parameter = {row["parameter"]: row for row in rows(parameters_csv(parameters))}
    assert by_parameter["step_width_m"]["value"] == ""
    assert by_parameter["strides"]["value"] == str(parameters.strides)
    assert float(by_parameter["cadence"]["value"]) == pytest.approx(parameters.cadence, abs=1e-6)
    assert by_parameter["cadence"]["unit"] == "steps/min"
    for name, value in parameters.to_dict().items():
        assert (by_parameter[name]["value"] == "") == math.isnan(value)


def test_angles_over_the_cycle() -> None:
    profile = measure_profile(make_walk(seconds=6.0))
    assert profile is not None
    table = rows(angles_csv(profile))
    assert [int(row["cycle_percent"]) for row in table] == list(range(101))
    for angle, name in enumerate(profile.angles):
        column = [float(row[f"{name.replace(' ', '_')}_mean"]) for row in table]
        np.testing.assert_allclose(column, profile.mean[angle], atol=1e-3)
        spread = [float(row[f"{name.replace(' ', '_')}_sd"]) for row in table]
        np.testing.assert_allclose(spread, profile.sd[angle], atol=1e-3)
