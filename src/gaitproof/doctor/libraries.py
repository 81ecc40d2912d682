"""System libraries that pip cannot install, and where they come from."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import Final

from gaitproof.errors import DependencyError


@dataclass(frozen=True)
class SystemLibrary:
    """A shared library that a package loads from the operating system.

    Parameters
    ----------
    file
        Name that the dynamic loader looks for.
    debian
        Debian and Ubuntu package that holds it.
    needed_by
        What does not work without it.
    core
        Whether verification itself needs it.
    """

    file: str
    debian: str
    needed_by: str
    core: bool


SYSTEM_LIBRARIES: Final = (
    SystemLibrary("libGL.so.1", "libgl1", "the pose model (through OpenCV)", core=True),
    SystemLibrary(
        "libgthread-2.0.so.0", "libglib2.0-0", "the pose model (through OpenCV)", core=True
    ),
    SystemLibrary("libEGL.so.1", "libegl1", "drawing synthetic walkers", core=False),
)
"""Found with ``ldd`` on the wheels of `constraints.txt`."""

MESA_DRIVER_PACKAGE: Final = "libgl1-mesa-dri"
"""Debian package with the software renderer that EGL needs where there is no GPU."""

WINDOWLESS_OPENCV: Final = "pip install --no-deps opencv-contrib-python-headless==4.11.0.86"
"""What replaces OpenCV's usual build, of the version that `constraints.txt` pins, where its system
libraries cannot be installed; it needs none."""

_LOADER_MESSAGE: Final = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")


def install_command(*packages: str) -> str:
    """Return the command that installs Debian packages."""
    return f"sudo apt-get install -y {' '.join(packages)}"


def is_loadable(library: SystemLibrary) -> bool:
    """Return whether the dynamic loader finds the library."""
    try:
        ctypes.CDLL(library.file)
    except OSError:
        return False
    return True


def explain_import_error(error: ImportError) -> DependencyError | None:
    """Turn a loader's complaint or a missing package into one sentence with its remedy.

    Parameters
    ----------
    error
        What an ``import`` raised.

    Returns
    -------
    DependencyError or None
        None if the error is neither a missing system library nor a missing package of an extra.
    """
    match = _LOADER_MESSAGE.search(str(error))
    if match:
        file = match.group(1)
        known = {library.file: library for library in SYSTEM_LIBRARIES}
        if file not in known:
            return DependencyError(
                f"The system library {file} is missing.",
                hint="'gaitproof doctor', which lists what this machine lacks",
            )
        library = known[file]
        return DependencyError(
            f"The system library {file} is missing; {library.needed_by} needs it.",
            hint=install_command(library.debian),
        )
    package = (error.name or "").partition(".")[0]
    extra = _EXTRA_OF_MODULE.get(package)
    if isinstance(error, ModuleNotFoundError) and extra is not None:
        return DependencyError(
            f"The package {package!r} is not installed; it comes with the extra '{extra}'.",
            hint=f"pip install 'gaitproof[{extra}]'",
        )
    return None


_EXTRA_OF_MODULE: Final = {
    "onnx": "train",
    "onnxscript": "train",
    "sklearn": "train",
    "torch": "train",
    "vtk": "synth",
    "vtkmodules": "synth",
}
