"""Where footage comes from, as far as it decides what a comparison is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gaitproof.errors import InputError

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
    InputError
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
            plain = value.strip() and len(value) <= _MAX_TEXT and value.isprintable()
            if not plain or "/" in value:
                raise InputError(
                    f"The {name} of a domain is plain text without a slash.",
                    expected=f"1 to {_MAX_TEXT} characters",
                    actual=repr(value[:_MAX_TEXT]),
                )

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
            raise InputError(
                "This is no domain.",
                expected="sensor/estimator/site",
                actual=repr(text[:_MAX_TEXT]),
            )
        return cls(*parts)
