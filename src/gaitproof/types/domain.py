"""Where footage comes from, as far as it decides what a comparison is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

UNKNOWN: Final = "unknown"

_MAX_TEXT: Final = 200


@dataclass(frozen=True, order=True)
class Domain:
    """A sensor or camera set-up with its estimator and its place.

    Embeddings of one domain share an offset, and error rates measured in one do not hold in
    another: domains are what an evaluation leaves out.

    Parameters
    ----------
    sensor
        Camera or sensor, for example ``Kinect v1``.
    estimator
        What found joints or masks in its footage.
    site
        Place, or the data set where no more is known.

    Raises
    ------
    ValueError
        If a part is empty, is longer than 200 characters, or holds a slash or a line break.

    Examples
    --------
    >>> str(Domain("Kinect v1", "Kinect SDK", "KinectGait"))
    'Kinect v1/Kinect SDK/KinectGait'
    >>> Domain.parse("Kinect v1/Kinect SDK/KinectGait").site
    'KinectGait'
    """

    sensor: str = UNKNOWN
    estimator: str = UNKNOWN
    site: str = UNKNOWN

    def __post_init__(self) -> None:
        for name in ("sensor", "estimator", "site"):
            value = getattr(self, name)
            if not value.strip() or len(value) > _MAX_TEXT or "/" in value:
                raise ValueError(f"a domain's {name} is plain text without a slash, not {value!r}")
            if not value.isprintable():
                raise ValueError(f"a domain's {name} holds a character that cannot be printed")

    def __str__(self) -> str:
        return f"{self.sensor}/{self.estimator}/{self.site}"

    @classmethod
    def of(cls, *, sensor: str = "", estimator: str = "", site: str = "") -> Self:
        """Make a domain of free text: slashes become dashes, nothing becomes ``unknown``."""
        return cls(
            *(part.replace("/", "-").strip() or UNKNOWN for part in (sensor, estimator, site))
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; a text without slashes is the site alone."""
        parts = text.split("/")
        if len(parts) == 1:
            return cls(site=text)
        if len(parts) != len(("sensor", "estimator", "site")):
            raise ValueError(f"a domain is sensor/estimator/site, not {text!r}")
        return cls(*parts)
