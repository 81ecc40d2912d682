import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import gaitproof

ROOT = Path(__file__).parents[1]

HEAVY = (
    "av", "cv2", "jax", "matplotlib", "mediapipe", "numpy", "onnx", "onnxruntime", "pydantic",
    "scipy", "sklearn", "sqlalchemy", "torch", "vtkmodules",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """Return which heavy packages a fresh interpreter holds after running the code."""
    program = f"{code}\nimport sys\nprint(*(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_import_is_light():
    assert loaded_by("import gaitproof") == set()


@pytest.mark.slow
def test_what_verifies_is_imported_without_what_only_some_videos_need():
    code = "import gaitproof.cases.case, gaitproof.verify.verifier, gaitproof.pose.extract"
    assert loaded_by(code) <= {"numpy", "pydantic", "sqlalchemy"}


_MEDIAPIPE = (
    "from gaitproof.pose.mediapipe import importing_mediapipe\n"
    "with importing_mediapipe():\n    import mediapipe\n"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", ["import mediapipe.python.solutions.pose", "import gaitproof.face.detect"]
)
def test_mediapipe_comes_without_drawing(first):
    assert "matplotlib" not in loaded_by(_MEDIAPIPE + first)


@pytest.mark.slow
@pytest.mark.parametrize(
    "use",
    [
        "assert mediapipe.solutions.drawing_utils.DrawingSpec(thickness=3).thickness == 3",
        "from mediapipe.python.solutions.drawing_styles import get_default_pose_landmarks_style",
    ],
)
def test_mediapipe_draws_for_whoever_wants_it(use):
    assert "matplotlib" in loaded_by(_MEDIAPIPE + use)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["demo", "--help"]])
def test_help_is_light(arguments):
    code = (
        "import sys\n"
        f"sys.argv = ['gaitproof', *{arguments!r}]\n"
        "from gaitproof.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as leave:\n    assert not leave.code, leave.code"
    )
    # typer itself may use pydantic to explain number ranges
    assert loaded_by(code) <= {"pydantic"}


def test_public_surface_is_complete():
    for name in gaitproof.__all__:
        assert getattr(gaitproof, name) is not None
        assert name in dir(gaitproof)
    assert set(gaitproof.__all__) == {
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
    }


def test_public_classes_are_documented():
    for name in set(gaitproof.__all__) - {"__version__"}:
        assert getattr(gaitproof, name).__doc__, name


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gaitproof.nothing


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert gaitproof.__version__ == project["version"] == metadata.version("gaitproof")
    assert f"## [{gaitproof.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_constraints_pin_every_direct_dependency_exactly():
    pins = dict(
        re.fullmatch(r"([\w.-]+)==(\S+)", line).groups()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    )
    known = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    from packaging.requirements import Requirement

    for line in metadata.requires("gaitproof") or []:
        requirement = Requirement(line)
        if requirement.name == "gaitproof":
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert requirement.specifier.contains(known[name]), line


def test_inference_needs_no_torch():
    core = [line for line in metadata.requires("gaitproof") or [] if "extra ==" not in line]
    assert core
    assert not [line for line in core if line.startswith(("torch", "lightning", "vtk"))]


def test_types_are_shipped():
    assert (Path(gaitproof.__file__).parent / "py.typed").is_file()


def test_the_windowless_opencv_is_the_pinned_one():
    from gaitproof.doctor.libraries import WINDOWLESS_OPENCV

    pins = (ROOT / "constraints.txt").read_text().splitlines()
    package, _, version = WINDOWLESS_OPENCV.split()[-1].partition("==")
    assert {f"{package}=={version}", f"opencv-contrib-python=={version}"} <= set(pins)
