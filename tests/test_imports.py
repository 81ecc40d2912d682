"""The layers hold, and importing any module has no side effect."""

import pkgutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import gaitproof

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def test_layers_hold():
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions count, those that only name types do not."""
    graph = grimp.build_graph(
        "gaitproof", "experiments", cache_dir=None, exclude_type_checking_imports=True
    )
    # the package looks its public names up when they are used
    imports = {
        name: graph.find_modules_directly_imported_by(name) - {name, "gaitproof"}
        for name in graph.modules - {"gaitproof"}
    }
    assert len(imports) > 400
    TopologicalSorter(imports).prepare()  # CycleError names the circle


def test_every_module_imports_quietly(tmp_path):
    names = [
        module.name
        for module in pkgutil.walk_packages(gaitproof.__path__, "gaitproof.")
        if not module.name.endswith("__main__")
    ]
    assert len(names) > 40
    program = "\n".join(
        [
            "import importlib, os, warnings",
            f"for name in {names!r}: importlib.import_module(name)",
            "import socket, logging",
            "assert not logging.getLogger('gaitproof').handlers",
            "print('quiet', os.listdir('.'))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "quiet []\n"
