"""Does a video really show the person it claims to show? Verified by the way they walk.

The public surface is imported lazily, so that ``import gaitproof`` stays fast:

>>> import gaitproof as gp
>>> gp.Verifier.open("gallery.db").enroll("ann", ["ann1.mp4", "ann2.mp4"])  # doctest: +SKIP
>>> gp.examine("new.mp4", "ann", "gallery.db").headline  # doctest: +SKIP
'AUTHENTIC — Verified as ann'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gaitproof.cases.case import Case, Examiner, examine
    from gaitproof.cases.faces import scan_faces
    from gaitproof.config import VerifySettings
    from gaitproof.errors import GaitproofError
    from gaitproof.face.scan import FaceScan
    from gaitproof.gait.parameters import measure_gait
    from gaitproof.pose.cache import PoseCache
    from gaitproof.pose.extract import extract
    from gaitproof.report.casefile import CaseReport
    from gaitproof.types import Decision, GaitWindows, PoseSequence, QualityReport, Verdict
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.preservation import compare_videos as preserve
    from gaitproof.verify.verifier import Verifier
    from gaitproof.verify.walk import convert

__version__: Final = "0.3.0"

_HOMES: Final = {
    "Case": "gaitproof.cases.case:Case",
    "CaseReport": "gaitproof.report.casefile:CaseReport",
    "Decision": "gaitproof.types:Decision",
    "Examiner": "gaitproof.cases.case:Examiner",
    "FaceScan": "gaitproof.face.scan:FaceScan",
    "GaitWindows": "gaitproof.types:GaitWindows",
    "GaitproofError": "gaitproof.errors:GaitproofError",
    "Gallery": "gaitproof.verify.gallery:Gallery",
    "PoseCache": "gaitproof.pose.cache:PoseCache",
    "PoseSequence": "gaitproof.types:PoseSequence",
    "QualityReport": "gaitproof.types:QualityReport",
    "Verdict": "gaitproof.types:Verdict",
    "Verifier": "gaitproof.verify.verifier:Verifier",
    "VerifySettings": "gaitproof.config:VerifySettings",
    "convert": "gaitproof.verify.walk:convert",
    "examine": "gaitproof.cases.case:examine",
    "extract": "gaitproof.pose.extract:extract",
    "measure_gait": "gaitproof.gait.parameters:measure_gait",
    "preserve": "gaitproof.verify.preservation:compare_videos",
    "scan_faces": "gaitproof.cases.faces:scan_faces",
}

__all__ = [
    "Case",
    "CaseReport",
    "Decision",
    "Examiner",
    "FaceScan",
    "GaitWindows",
    "GaitproofError",
    "Gallery",
    "PoseCache",
    "PoseSequence",
    "QualityReport",
    "Verdict",
    "Verifier",
    "VerifySettings",
    "__version__",
    "convert",
    "examine",
    "extract",
    "measure_gait",
    "preserve",
    "scan_faces",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, _, attribute = _HOMES[name].partition(":")
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module 'gaitproof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
