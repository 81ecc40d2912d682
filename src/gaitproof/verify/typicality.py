"""Was somebody filmed as others were? A test of references against probe and template.

References of another place do harm: the offset that they take off is not the probe's, and up to
all impostors pass (docs/results/domains.md). Embeddings cannot tell, since they are made to forget
the place. What tells is how far the joints move before anything is made of it, `log_spreads`: the
Mahalanobis distance of one person from the mean of others, in the metric of people of one domain,
beside the distances of those others from each other.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator

from gaitproof.config import Settings
from gaitproof.errors import ModelError
from gaitproof.gait.view import N_SPREADS
from gaitproof.models import packaged_file
from gaitproof.reading import FileKind, parse_model

METRIC_FILE: Final = "footage.json"
"""In the folder ``weights`` of `gaitproof.verify`."""

_FILE: Final = FileKind(
    "footage metric", ModelError, 2**20, hint="make it with 'python -m experiments footage'"
)

_Row = tuple[FiniteFloat, ...]


class FootageMetric(Settings):
    """How much people of one domain differ, and where another domain begins."""

    version: Literal["footage/1"] = "footage/1"
    precision: tuple[_Row, ...] = Field(min_length=N_SPREADS, max_length=N_SPREADS)
    """Inverse of the covariance of `log_spreads` among the clips of one domain."""
    usual: float = Field(gt=0)
    """Squared distance of the middle clip of a domain from the mean of its people."""
    limit: float = Field(gt=0)
    """Unlikeness that 95 % of people have from others of their own domain."""
    domains: dict[str, int] = Field(min_length=2)
    """People it was fitted on, by domain."""
    figures: dict[str, float]
    """Measured figures by name: domains left out."""
    fitted_on: str
    """Date, ISO 8601."""

    @model_validator(mode="after")
    def _check_square(self) -> FootageMetric:
        if any(len(row) != N_SPREADS for row in self.precision):
            raise ValueError("the precision must be a square")
        return self


@cache
def footage_metric() -> FootageMetric:
    """Return the metric that is shipped.

    Raises
    ------
    ModelError
        If it is missing or malformed.
    """
    shipped = packaged_file("gaitproof.verify", METRIC_FILE)
    if shipped is None:
        raise ModelError("The footage metric is missing.", hint="install gaitproof again")
    return parse_model(*shipped, _FILE, FootageMetric)


def unlikeness(
    metric: FootageMetric, one: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]
) -> float:
    """Return how much less one person is like others than they are like each other.

    Parameters
    ----------
    metric
        Of the distances.
    one
        Shape (52,), see `gaitproof.gait.view.log_spreads`.
    others
        Shape (R, 52), R at least 1.

    Returns
    -------
    float
        Squared distance from their mean over the mean squared distance of each of them from the
        rest, `metric.usual` counting for one of them; about 1 for one of them. Does not depend on
        R but for chance.
    """
    return distance_ratio(np.array(metric.precision), metric.usual, one, others)


def distance_ratio(
    precision: NDArray[np.float64],
    usual: float,
    one: NDArray[np.floating[Any]],
    others: NDArray[np.floating[Any]],
) -> float:
    """Answer `unlikeness` for a metric that is being fitted."""
    people = np.asarray(others, np.float64)
    count = len(people)
    middle = people.mean(axis=0)
    apart = np.asarray(one, np.float64) - middle
    # of independent people, the distance from a mean of n is (n + 1) / n that from the true one
    ratio = float(apart @ precision @ apart) * count / (count + 1)
    if count == 1:
        return ratio / usual
    left_out = (people - middle) * count / (count - 1)
    among = np.einsum("ij,jk,ik->i", left_out, precision, left_out) * (count - 1) / count
    return ratio / float((among.sum() + usual) / (count + 1))
