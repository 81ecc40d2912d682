"""Fit how people of one domain differ, and try whether those of another can be told from them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.shared import Progress, load_walks
from gaitproof.data.gait.recording import make_recording
from gaitproof.gait.features import windows_from_points
from gaitproof.gait.view import log_spreads
from gaitproof.synth.dataset import make_person
from gaitproof.synth.take import prepare
from gaitproof.verify.typicality import FootageMetric, distance_ratio

Float64 = NDArray[np.float64]

ARCHIVES: Final = ("kinectgait", "gaitvalidation", "cmu_walk")
SIMULATED: Final = "simulated walkers"
_PEOPLE, _VIEWS, _SECONDS = 40, (30, 60, 90), 6

REFERENCES: Final = 5
_DRAWS: Final = 500
_SHRINK: Final = 0.1
_FALSE_ALARM: Final = 0.05

Walk = tuple[str, Float64]
"""Who, and `log_spreads` of one clip."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Clips of one domain."""

    name: str
    people: NDArray[np.str_]
    spreads: Float64

    @property
    def means(self) -> dict[str, Float64]:
        """One mean per person."""
        return {p: self.spreads[self.people == p].mean(axis=0) for p in np.unique(self.people)}

    def apart(self) -> Float64:
        """Return every clip less the mean of the people."""
        means = self.means
        apart: Float64 = self.spreads - np.mean(list(means.values()), axis=0)
        return apart


@dataclass(frozen=True, eq=False)
class Fit:
    """A metric before it is written."""

    precision: Float64
    usual: float
    limit: float


@dataclass(frozen=True)
class Trial:
    """Share refused of one domain's clips, each against people of another or the same."""

    probes: str
    references: str
    refused: float


def read_domains(data: Path, progress: Progress) -> list[Domain]:
    """Read the archives of a folder, and simulate walkers."""
    domains = []
    for number, name in enumerate(ARCHIVES):
        rows = []
        for walk in load_walks(data / f"{name}.npz"):
            windows = windows_from_points(walk.times, walk.points, hop=30, feet=walk.feet)
            if len(windows):
                rows.append((walk.subject, log_spreads(windows)))
        domains.append(_domain(name, rows))
        progress((number + 1) / (len(ARCHIVES) + 1))
    domains.append(_domain(SIMULATED, simulate(_PEOPLE)))
    return domains


def simulate(people: int) -> list[Walk]:
    """Return walks of simulated people by their true joints."""
    rows = []
    for person in range(people):
        walker = make_person(7, person)
        for take, view in enumerate(_VIEWS):
            truth = prepare(walker, view=view, seed=take + 1, seconds=_SECONDS).truth()
            walk = make_recording(
                truth, subject=str(person), recording=str(take), condition="", view="", source="s"
            )
            rows.append((walk.subject, log_spreads(walk.windows).astype(np.float64)))
    return rows


def _domain(name: str, rows: Sequence[tuple[str, NDArray[np.floating[Any]]]]) -> Domain:
    return Domain(name, np.array([who for who, _ in rows]), np.array([row for _, row in rows]))


def fit(domains: Sequence[Domain], seed: int = 0) -> Fit:
    """Fit a metric: every domain weighs the same, and in it every person."""
    total = np.zeros((domains[0].spreads.shape[1],) * 2)
    for domain in domains:
        apart = domain.apart()
        counts = np.array([(domain.people == who).sum() for who in domain.people])
        total += (apart / counts[:, None]).T @ apart / len(np.unique(domain.people))
    size = len(total)
    total /= len(domains)
    total = (1 - _SHRINK) * total + _SHRINK * np.eye(size) * np.trace(total) / size
    precision = np.linalg.inv(total)
    middles = [
        np.median(np.einsum("ij,jk,ik->i", a, precision, a)) for a in map(Domain.apart, domains)
    ]
    usual = float(np.mean(middles))
    within = [
        np.quantile(ratios(precision, usual, one, one, seed), 1 - _FALSE_ALARM) for one in domains
    ]
    return Fit(precision, usual, float(np.mean(within)))


def ratios(
    precision: Float64, usual: float, probes: Domain, others: Domain, seed: int = 0
) -> Float64:
    """Return the unlikeness of random clips and random people, never the clip's own."""
    rng = np.random.default_rng(seed)
    means = others.means
    values = []
    for _ in range(_DRAWS):
        place = rng.integers(len(probes.people))
        own = probes.people[place] if probes is others else None
        names = [who for who in means if who != own]
        chosen = rng.choice(len(names), REFERENCES, replace=False)
        references = np.array([means[names[i]] for i in chosen])
        values.append(distance_ratio(precision, usual, probes.spreads[place], references))
    return np.array(values)


def run(domains: Sequence[Domain]) -> tuple[FootageMetric, list[Trial]]:
    """Leave every domain out once, then fit on all."""
    trials = []
    for left_out in domains:
        known = [one for one in domains if one is not left_out]
        fitted = fit(known)
        for others in (left_out, *known):
            apart = ratios(fitted.precision, fitted.usual, left_out, others, seed=1)
            trials.append(Trial(left_out.name, others.name, float((apart > fitted.limit).mean())))
    last = fit(domains)
    metric = FootageMetric(
        # six digits are more than the data bear out, and a smaller file
        precision=tuple(tuple(float(f"{x:.6g}") for x in row) for row in last.precision),
        usual=round(last.usual, 4),
        limit=round(last.limit, 3),
        domains={one.name: len(np.unique(one.people)) for one in domains},
        figures={f"refused/{t.probes}/{t.references}": t.refused for t in trials},
        fitted_on=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    return metric, trials
