"""Arrivals, a queue and machines that may be taken away, in steps of a quarter of an hour.

Hours of video arrive by day and week, wait for their turn in the order of arriving, and are worked
off by machines with a measured rate. What was under way on a machine that is taken away is done
again; a file whose machine is taken away twice is given up, as `gaitproof.cluster` does. Files are
too many to be followed one by one: what arrives and is done flows, and waiting is how far the two
cumulative curves lie apart (Hall, *Queueing Methods*, 1991, chapter 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.bench.suite import load_result
from gaitproof.errors import InputError

STEP: Final = 0.25
"""Hours."""

DAY_SWING: Final = 0.6
"""Share by which arrivals rise by day and fall by night."""

WEEKEND: Final = 0.5
"""Of a weekday's arrivals."""

FILE_BYTES: Final = 1200.0
"""Of landmarks, mask and time of a frame and person, as `python -m experiments memory` finds."""

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Load:
    """What has to be done, and on what.

    Parameters
    ----------
    hours
        Of video, altogether.
    days
        In which they arrive.
    cost
        Processor time over the length of a video.
    file_minutes
        Mean length of a file; lengths are log-normal with a shape of 1.
    frame_rate
        Frames per second of which poses are kept.
    processors
        Of a machine.
    price
        Of a processor for an hour.
    loss
        Machines taken away, per machine and hour.
    restart
        Hours until another one works.
    """

    hours: float = 1e6
    days: float = 365.0
    cost: float = 1.84
    file_minutes: float = 6.0
    frame_rate: float = 30.0
    processors: int = 16
    price: float = 0.02
    loss: float = 0.0
    restart: float = 0.1


@dataclass(frozen=True)
class Outcome:
    """What a fleet makes of a load.

    Parameters
    ----------
    machines
        Of the fleet.
    busy
        Share of their time in which they work.
    wait, wait_95
        Hours from arriving to being begun, median and 95th percentile over hours of video.
    repeated
        Share of the processor time that was lost with a machine.
    given_up
        Files whose machine was taken away twice.
    price
        Of 1,000 hours of video, idle machines included.
    terabytes
        Of what is kept.
    left
        Hours of video not done when the last has arrived.
    """

    machines: int
    busy: float
    wait: float
    wait_95: float
    repeated: float
    given_up: float
    price: float
    terabytes: float
    left: float


def measured_cost(path: Path) -> float:
    """Return the processor time of poses and masks over a clip's length, from `gaitproof bench`.

    Raises
    ------
    InputError
        If the file is no result of it, or lacks that figure.
    """
    result = load_result(path)
    seconds = re.search(r"([\d.]+) s$", result.clip)
    costs = [f.ours.cpu_seconds for f in result.figures if f.name.startswith("poses")]
    if not costs or seconds is None:
        raise InputError(f"The result {str(path)!r} says nothing of poses.")
    return median(costs[0]) / float(seconds[1])


def arrivals(load: Load, rng: np.random.Generator) -> Float64:
    """Return the hours of video that arrive in each step."""
    times = np.arange(0.0, 24 * load.days, STEP)
    rate = 1 - DAY_SWING * np.cos(2 * np.pi * times / 24)
    rate *= np.where(times // 24 % 7 >= 5, WEEKEND, 1.0)
    length = load.file_minutes / 60
    files = rng.poisson(rate / rate.sum() * load.hours / length)
    # the sum of so many lengths is normal; of a log-normal of shape 1 the variance is (e - 1) mean²
    spread = length * np.sqrt((np.e - 1) * files)
    return np.asarray(np.maximum(0.0, rng.normal(files * length, spread)), np.float64)


def simulate(load: Load, machines: int, *, seed: int = 0) -> Outcome:
    """Let a fleet of so many machines work a load off.

    Parameters
    ----------
    load
        What arrives, and what a machine is.
    machines
        Of the fleet.
    seed
        Of arrivals and losses.
    """
    rng = np.random.default_rng(seed)
    come = arrivals(load, rng)
    lost = rng.binomial(machines, -np.expm1(-load.loss * STEP), len(come))
    # until another one works, and on the average half a file of each of its processors is lost
    file_hours = load.file_minutes / 60 * load.cost
    down = np.minimum(lost * load.restart, machines * STEP)
    again = np.minimum(lost * file_hours / 2, machines * STEP - down)
    room = (machines * STEP - down - again) * load.processors / load.cost
    queue = 0.0
    done = np.empty(len(come))
    for step, (more, able) in enumerate(zip(come, room, strict=True)):
        queue += more
        done[step] = min(queue, able)
        queue -= done[step]
    waits = _waits(np.cumsum(come), np.cumsum(done))
    lengths = rng.lognormal(np.log(load.file_minutes / 60) - 0.5, 1.0, 10_000) * load.cost
    twice = float(np.mean(np.expm1(-load.loss * lengths) ** 2))
    work = done.sum() * load.cost
    paid = (machines * STEP - down).sum() * load.processors
    return Outcome(
        machines=machines,
        busy=float((work + again.sum() * load.processors) / paid),
        wait=float(np.median(waits)),
        wait_95=float(np.percentile(waits, 95)),
        repeated=float(again.sum() * load.processors / (work + again.sum() * load.processors)),
        given_up=float(come.sum() / load.file_minutes * 60 * twice),
        price=float(1000 * paid * load.price / done.sum()),
        terabytes=float(done.sum() * 3600 * load.frame_rate * FILE_BYTES / 1e12),
        left=float(queue),
    )


def _waits(come: Float64, done: Float64) -> Float64:
    """Return hours of waiting at even steps of the hours of video that are done."""
    times = STEP * np.arange(1, len(come) + 1)
    amounts = np.linspace(0, done[-1], 2001)[1:]
    return np.maximum(0.0, np.interp(amounts, done, times) - np.interp(amounts, come, times))


def smallest_fleet(load: Load, longest: float, *, seed: int = 0) -> Outcome:
    """Return what the smallest fleet makes of a load that lets 95 % wait no longer than so.

    Parameters
    ----------
    load
        As for `simulate`.
    longest
        Hours.
    seed
        As for `simulate`.
    """
    low, high = 0, 1
    while simulate(load, high, seed=seed).wait_95 > longest:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if simulate(load, middle, seed=seed).wait_95 > longest:
            low = middle
        else:
            high = middle
    return simulate(load, high, seed=seed)


def compare(load: Load, losses: tuple[float, ...], longest: float, seed: int = 0) -> list[Outcome]:
    """Return the smallest fleet for each rate of machines taken away."""
    return [smallest_fleet(replace(load, loss=loss), longest, seed=seed) for loss in losses]
