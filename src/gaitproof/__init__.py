"""Does a video really show the person it claims to show? Verified by the way they walk.

The public surface is imported lazily, so that ``import gaitproof`` stays fast:

>>> import gaitproof as gp
>>> verifier = gp.Verifier.open("gallery.db")  # doctest: +SKIP
>>> verifier.enroll("ann", ["ann1.mp4", "ann2.mp4"])  # doctest: +SKIP
>>> verifier.verify("new.mp4", claim="ann").headline  # doctest: +SKIP
'AUTHENTIC — Verified as ann'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gaitproof.config import VerifySettings
    from gaitproof.errors import GaitproofError
    from gaitproof.types import Decision, GaitWindows, PoseSequence, QualityReport, Verdict
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.verifier import Verifier

__version__: Final = "0.3.0"

_HOMES: Final = {
    "Decision": "gaitproof.types",
    "GaitWindows": "gaitproof.types",
    "Gallery": "gaitproof.verify.gallery",
    "GaitproofError": "gaitproof.errors",
    "PoseSequence": "gaitproof.types",
    "QualityReport": "gaitproof.types",
    "Verdict": "gaitproof.types",
    "Verifier": "gaitproof.verify.verifier",
    "VerifySettings": "gaitproof.config",
}

__all__ = [
    "Decision",
    "GaitWindows",
    "GaitproofError",
    "Gallery",
    "PoseSequence",
    "QualityReport",
    "Verdict",
    "Verifier",
    "VerifySettings",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gaitproof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
