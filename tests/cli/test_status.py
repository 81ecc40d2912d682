"""Exit statuses of the real command in a process of its own: no failure looks like a verdict."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import scripted_command
from prefork import Prefork
from scripted import ScriptedEncoder, ScriptedExtractor
from scripted_command import CALL, PREPARED

from gaitproof.verify.verifier import Verifier

pytestmark = pytest.mark.slow

VERDICTS = {"p0": (0, "AUTHENTIC"), "p5": (1, "DEEPFAKE")}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two people enrolled and a video of the first one."""
    folder = tmp_path_factory.mktemp("place")
    scripted = {"encoder": ScriptedEncoder(), "extractor": ScriptedExtractor()}
    verifier = Verifier.open(folder / "gallery.db", **scripted)
    for person in (0, 5):
        videos = [folder / f"{person}{take}.mp4" for take in (0, 1)]
        for take, video in enumerate(videos):
            video.write_text(json.dumps([{"person": person, "take": take}]))
        verifier.enroll(f"p{person}", videos)
    (folder / "probe.mp4").write_text(json.dumps([{"person": 0, "take": 2}]))
    (folder / "nobody.mp4").write_text("[]")
    return folder


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "GAITPROOF_GALLERY": str(folder / "gallery.db"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


@pytest.fixture(scope="module")
def forked(place, tmp_path_factory):
    """Run the command there in a process that has its imports behind it."""
    options = {"cwd": place, "env": environment(place)}
    with Prefork(PREPARED, tmp_path_factory.mktemp("said"), **options) as forks:
        yield partial(forks.run, CALL)


def run(folder: Path, *arguments: str, shell: str | None = None, **changes: str):
    """Run the command there; in a shell's line where ``CMD`` stands for it if one is given."""
    command = [sys.executable, scripted_command.__file__, *arguments]
    variables = environment(folder)
    if shell is not None:
        variables |= {f"A{n}": part for n, part in enumerate(command)}
        parts = " ".join(f'"$A{n}"' for n in range(len(command)))
        command = ["bash", "-c", shell.replace("CMD", parts)]
    return subprocess.run(
        command,
        cwd=folder,
        env=variables | changes,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("claim", VERDICTS)
def test_verdicts(place, claim):
    status, decision = VERDICTS[claim]
    done = run(place, "verify", "probe.mp4", "-c", claim)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.startswith(decision)


def test_inconclusive(forked):
    assert forked("verify", "nobody.mp4", "-c", "p0").returncode == 3


@pytest.mark.parametrize(
    ("claim", "extra", "shell"),
    [
        ("p0", [], "CMD >/dev/full"),
        ("p5", ["--json"], "CMD >/dev/full"),
        ("p5", [], "CMD >&-"),
        ("p0", ["--json"], "CMD | true; exit ${PIPESTATUS[0]}"),
        ("p5", [], "CMD >/dev/full 2>/dev/full"),
        ("p0", [], "CMD >&- 2>&- <&-"),
    ],
)
def test_a_verdict_that_cannot_be_read_is_none(place, claim, shell, extra):
    done = run(place, "verify", "probe.mp4", "-c", claim, *extra, shell=shell)
    assert done.returncode == 74
    assert "Traceback" not in done.stdout + done.stderr
    if "2>" not in shell:
        assert "standard output could not be written" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("shell", ["CMD 2>/dev/full", "CMD 2>&-", "CMD <&-"])
def test_losing_notices_changes_no_verdict(place, shell):
    done = run(place, "verify", "probe.mp4", "-c", "p5", shell=shell)
    assert done.returncode == 1
    assert done.stdout.startswith("DEEPFAKE OF p5")


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("no memory", 70, "unexpected MemoryError"),
        ("no memory left", 70, "unexpected MemoryError"),
        ("too deep", 70, "unexpected RecursionError"),
        ("helper killed", 70, "unexpected BrokenProcessPool"),
        ("exit 0 of Python", 70, "unexpected SystemExit"),
        ("exit 1 of Python", 70, "unexpected SystemExit"),
        ("exit 0 of C", -6, ""),
        ("exit 1 of C", -6, ""),
        ("exit 3 of C", -6, ""),
        ("interrupted", 130, "interrupted"),
        ("stopped", -15, ""),
    ],
)
def test_no_failure_looks_like_a_verdict(place, forked, what, status, words):
    # without memory it matters what is still to be imported
    start = partial(run, place) if what == "no memory left" else forked
    done = start("verify", "probe.mp4", "-c", "p0", SABOTAGE=what)
    assert done.returncode == status
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == bool(words), done.stderr


@pytest.mark.parametrize(("claim", "what"), [("p0", "crash at exit"), ("p5", "text left over")])
def test_nothing_changes_the_status_of_a_verdict_that_was_delivered(forked, claim, what):
    done = forked("verify", "probe.mp4", "-c", claim, SABOTAGE=what)
    status, decision = VERDICTS[claim]
    assert done.returncode == status
    assert decision in done.stdout


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("p0", {"PYTHONIOENCODING": "ascii"}),
        ("p5", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
)
def test_a_verdict_in_ascii_is_one(place, claim, changes):
    done = run(place, "verify", "probe.mp4", "-c", claim, **changes)
    status, decision = VERDICTS[claim]
    assert done.returncode == status
    assert done.stdout.startswith(decision)
    assert done.stdout.isascii()
    assert done.stderr == ""


@pytest.mark.parametrize("megabytes", [100, 250])
def test_too_little_memory_to_start_is_no_verdict(place, megabytes):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    done = subprocess.run(
        [sys.executable, "-m", "gaitproof", "verify", "probe.mp4", "-c", "p5", "--json"],
        cwd=place,
        # several threads of OpenBLAS wait for each other for ever if not all can be made
        env=os.environ | {"GAITPROOF_GALLERY": "gallery.db", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        preexec_fn=limit,
        timeout=300,
    )
    assert done.returncode not in (0, 1, 3, 4)
    assert done.stdout == b""


def test_a_traceback_only_with_debug(forked):
    def fail(*arguments: str) -> str:
        done = forked(*arguments, "verify", "probe.mp4", "-c", "p0", SABOTAGE="too deep")
        assert done.returncode == 70
        return done.stderr

    assert "gaitproof --debug verify probe.mp4 -c p0" in fail()
    assert "Traceback" in fail("--debug")


def test_a_damaged_installation_is_no_verdict(place, tmp_path):
    (tmp_path / "typer.py").write_text("raise ImportError('damaged')")
    done = subprocess.run(
        [sys.executable, "-m", "gaitproof", "verify", "probe.mp4", "-c", "p0"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 70
    assert done.stderr == "gaitproof: it cannot start: ImportError: 'damaged'\n"


def test_other_programs_are_not_run(place):
    code = (
        "import sys\n"
        "ran = []\n"
        "sys.addaudithook(lambda e, a: ran.append(a[0]) if e == 'subprocess.Popen' else None)\n"
        "from gaitproof.pose.mediapipe import MediaPipeEstimator\n"
        "MediaPipeEstimator().close()\n"
        "import sounddevice\n"
        "print([r for r in ran if 'lscpu' not in r])"  # numpy asks for the processor
    )
    code = code.replace("import sounddevice\n", "assert 'sounddevice' not in sys.modules\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_word_completed_in_the_shell_is_no_failure():
    words = {
        "COMP_WORDS": "gaitproof ver",
        "COMP_CWORD": "1",
        "_GAITPROOF_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-m", "gaitproof"],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "verify" in done.stdout.split()
