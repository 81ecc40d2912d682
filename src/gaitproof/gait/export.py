"""Gait events, parameters and joint-angle curves as CSV, for spreadsheets and statistics programs.

UTF-8, comma, decimal point, one header line; what is unknown is an empty cell.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gaitproof.gait.cycles import GaitProfile
from gaitproof.gait.events import GaitEvents
from gaitproof.gait.parameters import GaitParameters

UNITS: Final = {
    "cadence": "steps/min",
    "stride_time": "s",
    "stride_time_sd": "s",
    "step_time_asymmetry": "%",
    "step_length": "torso lengths",
    "step_width": "torso lengths",
    "step_width_m": "m",
    "double_support": "share of stride",
    "knee_range": "degrees",
    "hip_range": "degrees",
    "ankle_range": "degrees",
    "ankle_acceleration": "torso lengths/s^2",
    "strides": "count",
}
"""Unit of every field of `GaitParameters`."""


@dataclass(frozen=True)
class GaitEvent:
    """One event: `time` in seconds of the recording."""

    time: float
    side: Literal["left", "right"]
    kind: Literal["heel_strike", "toe_off"]


def list_events(events: GaitEvents) -> list[GaitEvent]:
    """Return all events in the order of time."""
    listed = [
        *(GaitEvent(float(t), "left", "heel_strike") for t in events.left_strikes),
        *(GaitEvent(float(t), "right", "heel_strike") for t in events.right_strikes),
        *(GaitEvent(float(t), "left", "toe_off") for t in events.left_offs),
        *(GaitEvent(float(t), "right", "toe_off") for t in events.right_offs),
    ]
    return sorted(listed, key=lambda event: (event.time, event.side, event.kind))


def events_csv(events: GaitEvents) -> str:
    """Return ``time_s,side,event``, one line per event, in the order of time."""
    rows = ((_cell(e.time, 4), e.side, e.kind) for e in list_events(events))
    return _table(("time_s", "side", "event"), rows)


def parameters_csv(parameters: GaitParameters, gate: str = "") -> str:
    """Return ``parameter,value,unit``, one line per parameter; see `GaitParameters`.

    `gate` is what the quality gate said of the walk, the last line; none if empty.
    """
    rows = [(name, _cell(value, 6), UNITS[name]) for name, value in parameters.to_dict().items()]
    rows += [("quality_gate", gate, "")] if gate else []
    return _table(("parameter", "value", "unit"), rows)


def angles_csv(profile: GaitProfile) -> str:
    """Return the joint angles over the gait cycle, degrees, one line per percent of the cycle.

    Columns are ``cycle_percent`` and, per angle, its mean and its standard deviation between
    cycles.
    """
    header = ["cycle_percent"]
    for name in profile.angles:
        column = name.replace(" ", "_")
        header += [f"{column}_mean", f"{column}_sd"]
    rows = (
        [
            str(percent),
            *(
                _cell(value, 3)
                for angle in range(len(profile.angles))
                for value in (profile.mean[angle, percent], profile.sd[angle, percent])
            ),
        ]
        for percent in range(profile.mean.shape[1])
    )
    return _table(header, rows)


def _cell(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
