"""The checks behind ``gaitproof doctor``.

Whatever could take the process down (a renderer without a driver, a broken native library) runs in
a process of its own, so that a crash is a finding and not the end of the report.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from packaging.requirements import Requirement

from gaitproof.doctor.libraries import (
    MESA_DRIVER_PACKAGE,
    SYSTEM_LIBRARIES,
    WINDOWLESS_OPENCV,
    install_command,
    is_loadable,
)
from gaitproof.doctor.machine import (
    Check,
    Status,
    check_disk,
    check_gpu,
    check_memory,
    check_processors,
    package_dir,
    run_trial,
)
from gaitproof.errors import GaitproofError

if TYPE_CHECKING:
    from gaitproof.face.model import FaceDetectorCard
    from gaitproof.nets.card import ModelCard

SUPPORTED_PYTHON: Final = ((3, 11), (3, 13))
"""Lowest supported Python, and the first that is not (MediaPipe 0.10.21 has no wheel for it)."""

EXTRAS: Final = (
    *("synth", "train", "face", "server", "postgres", "client", "search", "scale", "tflite", "dev"),
)
"""Optional groups of packages, most used first."""


def run_checks(work_dir: Path) -> Iterator[Check]:
    """Check the machine, one finding at a time.

    Parameters
    ----------
    work_dir
        Folder whose disk the results would be written to.

    Yields
    ------
    Check
        Findings in the order of the printed table.
    """
    yield check_python(sys.version_info[:2], platform.python_version())
    yield from check_packages(metadata.requires("gaitproof") or [])
    yield from check_libraries()
    yield check_pose_model()
    yield check_decoder()
    yield check_renderer()
    yield from check_weights(Path(str(files("gaitproof.nets"))) / "weights", "encoder")
    yield from check_weights(Path(str(files("gaitproof.face"))) / "weights", "face model")
    yield from check_gpu()
    yield check_processors()
    yield check_memory()
    yield check_disk(work_dir)


def check_python(version: tuple[int, int], text: str) -> Check:
    """Check that Python is of a supported version."""
    low, high = SUPPORTED_PYTHON
    remedy = "install Python 3.11 or 3.12 and make the environment anew"
    return Check.of(low <= version < high, "machine", "Python", text, remedy, core=True)


def check_packages(requirements: list[str]) -> Iterator[Check]:
    """Compare each direct dependency with the range it is wanted in.

    Parameters
    ----------
    requirements
        Requirement lines as in the package's metadata, extras marked ``; extra == "name"``.
        A package of several extras is reported once, under the first of them.
    """
    parsed = [Requirement(line) for line in requirements]
    order = [None, *EXTRAS]
    wanted_by = sorted(((_extra_of(r), r) for r in parsed), key=lambda pair: order.index(pair[0]))
    seen = {"gaitproof"}
    for extra, requirement in wanted_by:
        if requirement.name in seen:
            continue
        seen.add(requirement.name)
        group = f"extra '{extra}'" if extra else "packages"
        remedy = f"pip install 'gaitproof[{extra}]'" if extra else "pip install gaitproof"
        wanted = str(requirement.specifier) or "any version"
        good, bad = False, Status.MISSING
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            installed = "not installed"
        else:
            good, bad = requirement.specifier.contains(installed, prereleases=True), Status.WARN
        installed += "" if good else f" (wanted: {wanted})"
        yield Check.of(
            good, group, requirement.name, installed, remedy, bad=bad, core=extra is None
        )


def _extra_of(requirement: Requirement) -> str | None:
    if requirement.marker is None:
        return None
    for extra in EXTRAS:
        if requirement.marker.evaluate({"extra": extra}) and not requirement.marker.evaluate(
            {"extra": ""}
        ):
            return extra
    return None


def check_libraries() -> Iterator[Check]:
    """Check that the system libraries can be loaded, or are not needed."""
    for library in SYSTEM_LIBRARIES:
        if is_loadable(library):
            yield Check("system libraries", library.file, Status.OK, "found", core=library.core)
        elif library.core and run_trial("import cv2")[0]:
            text = "not found and not needed: OpenCV is its build without windows"
            yield Check("system libraries", library.file, Status.OK, text, core=True)
        else:
            remedy = install_command(library.debian)
            if library.core:
                remedy += f", or without root: {WINDOWLESS_OPENCV}"
            yield Check(
                "system libraries",
                library.file,
                Status.MISSING,
                f"not found; needed by {library.needed_by}",
                remedy,
                core=library.core,
            )


_POSE_TRIAL: Final = """
import numpy as np
from gaitproof.pose.mediapipe import importing_mediapipe
with importing_mediapipe():
    import mediapipe as mp
with mp.solutions.pose.Pose(model_complexity=1, static_image_mode=True) as pose:
    pose.process(np.zeros((120, 120, 3), np.uint8))
print("runs, model inside mediapipe", mp.__version__)
"""

_RENDER_TRIAL: Final = """
import numpy as np
from vtkmodules.vtkCommonCore import vtkVersion
from gaitproof.synth.raster import Rasteriser
with Rasteriser(np.array([[0, 1, 2]]), 3, (64, 48)) as rasteriser:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0]], float)
    colours = np.full((3, 3), 200, np.uint8)
    frame = rasteriser.draw(corners, colours, np.eye(4))
drawn = (frame[..., 3] > 0).mean()
assert 0.3 < drawn < 0.7, f"the frame is wrong: {drawn:.0%} drawn instead of half"
print("draws off-screen with VTK", vtkVersion().GetVTKVersion())
"""


def check_pose_model() -> Check:
    """Run the pose model on an empty frame, in a process of its own."""
    package = package_dir("mediapipe")
    model = package / "modules/pose_landmark/pose_landmark_full.tflite" if package else None
    if model is None or not model.is_file():
        good, text = False, "the file pose_landmark_full.tflite is not inside the mediapipe package"
        remedy = "pip install --force-reinstall mediapipe==0.10.21"
    else:
        good, text = run_trial(_POSE_TRIAL)
        remedy = install_command(*(x.debian for x in SYSTEM_LIBRARIES if x.core))
    return Check.of(good, "models", "pose model", text, remedy, core=True)


def check_decoder() -> Check:
    """Start the process that decodes videos, and ask what it is kept from."""
    from gaitproof.errors import GaitproofError
    from gaitproof.media.sandbox import find_confinement

    try:
        confinement = find_confinement()
    except GaitproofError as error:
        remedy = "set media.sandbox to false in the settings if you trust the videos"
        return Check.of(False, "models", "video decoder", str(error), remedy, core=True)
    parts = {
        "no files (Landlock)": confinement.landlock > 0,
        "no system calls but reading and memory (seccomp)": confinement.seccomp,
    }
    enforced = [text for text, holds in parts.items() if holds]
    limits = "; ".join(["a process of its own, limited memory and time", *enforced])
    remedy = "decode videos of strangers on 64-bit Linux (x86-64)"
    return Check.of(confinement.seccomp, "models", "video decoder", limits, remedy, bad=Status.WARN)


def check_renderer() -> Check:
    """Draw a tiny frame off-screen, in a process of its own."""
    if package_dir("vtkmodules") is None:
        good, text = False, "vtk is not installed; `gaitproof demo` and `dataset make` need it"
        remedy = "pip install 'gaitproof[synth]'"
    else:
        good, text = run_trial(_RENDER_TRIAL)
        remedy = install_command("libegl1", "libgl1", MESA_DRIVER_PACKAGE)
    return Check.of(good, "models", "walker renderer", text, remedy)


def check_weights(folder: Path, noun: Literal["encoder", "face model"]) -> Iterator[Check]:
    """Check that every shipped model is the one its card describes.

    Parameters
    ----------
    folder
        Folder with one sub-folder per model, each with ``model.onnx`` and ``card.json``.
    noun
        What they are.
    """
    # pydantic is itself one of the packages under examination: without it the rest is still told
    try:
        from gaitproof.models import WEIGHTS
        from gaitproof.reading import FileKind, read_bytes, read_model

        kind = _card_of(noun)
    except ImportError as error:
        yield Check("models", noun, Status.MISSING, str(error), core=True)
        return

    cards = sorted(folder.glob("*/card.json"))
    if not cards:
        detail = "no weights inside the package"
        yield Check("models", noun, Status.MISSING, detail, "install gaitproof again", core=True)
    for path in cards:
        name = f"{noun} {path.parent.name}"
        try:
            card = read_model(path, FileKind("card"), kind)
            weights = read_bytes(path.parent / "model.onnx", WEIGHTS)
            digest = hashlib.sha256(weights).hexdigest()
        except GaitproofError as error:
            problem = str(error)[:120]
            yield Check(
                "models", name, Status.MISSING, problem, "install gaitproof again", core=True
            )
            continue
        same = digest == card.weights_sha256
        detail = f"{card.model_id}, SHA-256 as on its card"
        if not same:
            detail = f"SHA-256 {digest[:12]}…, the card says {card.weights_sha256[:12]}…"
        yield Check.of(same, "models", name, detail, "install gaitproof again", core=True)


def _card_of(noun: str) -> type[ModelCard] | type[FaceDetectorCard]:
    if noun == "encoder":
        from gaitproof.nets.card import ModelCard

        return ModelCard
    from gaitproof.face.model import FaceDetectorCard

    return FaceDetectorCard
