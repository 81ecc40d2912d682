"""Self-contained HTML pages: verdicts and images in, one string out.

A page loads nothing: style and images are inside it, and its content security policy forbids the
rest. Verdicts carry a symbol, a word and a colour of the Okabe-Ito palette, so that no meaning
hangs on colour alone.
"""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from gaitproof.reading import FileKind, guarded, read_bytes
from gaitproof.text import printable
from gaitproof.types import Decision, ErrorRate, Verdict
from gaitproof.verify.signals import describe

SYMBOLS: Final = {
    Decision.AUTHENTIC: "✓",
    Decision.DEEPFAKE: "✗",
    Decision.INCONCLUSIVE: "?",
}
"""One sign per decision, told apart without colour."""

UNDECIDED_LOG10_LR: Final = 0.05
"""Below this magnitude the two hypotheses are within 12 % of each other: said as 'neither'."""


@dataclass(frozen=True)
class PageImage:
    """An image inside the page.

    Parameters
    ----------
    data_uri
        ``data:image/jpeg;base64,…``, see `gaitproof.report.images.to_data_uri`.
    width, height
        Pixels; keeps the page from jumping while it loads.
    alt
        What is seen, for those who do not see it.
    caption
        Short text below it.
    """

    data_uri: str
    width: int
    height: int
    alt: str
    caption: str = ""

    @classmethod
    def of_png(cls, path: Path, alt: str, caption: str = "") -> PageImage:
        """Take in a PNG file, for example a plot.

        Raises
        ------
        InputError
            If it cannot be read or is no PNG.
        """
        plot = FileKind("plot")
        data = read_bytes(path, plot)
        with guarded(path, plot):
            # width and height stand in the first chunk of every PNG
            width, height = struct.unpack(">II", data[16:24])
        address = "data:image/png;base64," + base64.b64encode(data).decode("ascii")
        return cls(address, width, height, alt, caption)


@dataclass(frozen=True)
class VerdictCard:
    """One verification, told to a reader who knows nothing of it.

    Parameters
    ----------
    title
        A few words, e.g. ``A new walk of Ann``.
    story
        What is known of the video apart from the verdict; empty if nothing is.
    verdict
        What was decided.
    images
        Frames of the video and of the enrolled person.
    expected
        The right answer where it is known (the demo), else None.
    file
        Name of the video as shown.
    """

    title: str
    verdict: Verdict
    story: str = ""
    images: tuple[PageImage, ...] = ()
    expected: Decision | None = None
    file: str = ""

    @property
    def symbol(self) -> str:
        """Sign of the decision."""
        return SYMBOLS[self.verdict.decision]

    @property
    def as_expected(self) -> bool:
        """Whether the decision is the expected one; True where nothing is expected."""
        return self.expected is None or self.expected is self.verdict.decision


def percent(value: float) -> str:
    """Return a share in [0, 1] as per cent: one digit below 10 %, none above.

    >>> percent(0.0321), percent(0.5), percent(0.0)
    ('3.2 %', '50 %', '0 %')
    """
    share = 100 * value
    digits = 1 if 0 < share < 9.95 else 0
    return f"{share:.{digits}f} %"


def signed(value: float) -> str:
    """Return a number with its sign, two digits, and a true minus.

    >>> signed(1.5), signed(-0.25)
    ('+1.50', '−0.25')
    """
    return f"{value:+.2f}".replace("-", "−")


def measure(value: float) -> str:
    """Return a measurement with three significant digits, or a dash if it could not be made.

    >>> measure(0.12345), measure(1234.5), measure(float("nan"))
    ('0.123', '1,234', '–')
    """
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def error_rate_text(rate: ErrorRate) -> str:
    """Return an error rate with its interval, or as the limit that it is.

    >>> error_rate_text(ErrorRate(0.032, 0.011, 0.06))
    '3.2 % (95 % interval 1.1 % to 6.0 %)'
    >>> error_rate_text(ErrorRate(0.13, 0.0, 0.13))
    'at most 13 %'
    """
    if rate.is_limit:
        return f"at most {percent(rate.value)}"
    return f"{percent(rate.value)} (95 % interval {percent(rate.low)} to {percent(rate.high)})"


def times_text(log10_lr: float) -> str:
    """Return how many times one hypothesis explains better than the other, whichever it is.

    >>> times_text(1.0), times_text(-2.5)
    ('10', '320')
    """
    ratio = 10.0 ** abs(log10_lr)
    return f"{ratio:.2g}" if ratio < 100 else f"{round(ratio, -1):,.0f}"


def likelihood_text(log10_lr: float, bound: float) -> str:
    """Say in words what a log10 likelihood ratio means.

    Parameters
    ----------
    log10_lr
        Positive speaks for the claim.
    bound
        Largest magnitude the calibration supports, where ratios are cut off; said of one that was.

    Returns
    -------
    str
        One sentence without a full stop.
    """
    if abs(log10_lr) < UNDECIDED_LOG10_LR:
        return "this walk is as likely from the claimed person as from somebody else"
    times = times_text(log10_lr)
    cut = ", the largest ratio the calibration supports" if abs(log10_lr) >= bound - 1e-9 else ""
    one, other = "the claimed person", "somebody else"
    if log10_lr < 0:
        one, other = other, one
    return f"this walk is about {times} times as likely from {one} as from {other}{cut}"


def render(template: str, **values: Any) -> str:
    """Return a page by the name of its template, without ``.html.j2``."""
    return environment().get_template(f"{template}.html.j2").render(values)


@cache
def _readable(value: object) -> object:
    """Show what a page cannot hold: bytes of file names that are no text, escape sequences."""
    return printable(value, "\n\t") if type(value) is str else value


def environment() -> Environment:
    """Return the templates of every page, with escaping on and the filters they share."""
    environment = Environment(
        loader=PackageLoader("gaitproof.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "error_rate": error_rate_text,
        "measure": measure,
        "signed": signed,
        "symbol": SYMBOLS.__getitem__,
    }
    environment.globals |= {"likelihood": likelihood_text, "describe": describe}
    return environment
