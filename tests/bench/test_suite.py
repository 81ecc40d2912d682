from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gaitproof.bench import suite
from gaitproof.bench.suite import Figure, Runs, SuiteResult, Trial, load_result, run_suite
from gaitproof.bench.verify_speed import Cost
from gaitproof.cli.app import app
from gaitproof.errors import GaitproofError, InputError
from gaitproof.media.encode import VideoWriter


def runs(*seconds: float) -> Runs:
    return Runs(seconds=seconds, cpu_seconds=seconds, mib=(1.0,) * len(seconds))


def result(ratio: float, clip: str = "a clip") -> SuiteResult:
    figure = Figure(
        name="walk", peer_name="stand", ours=runs(ratio, 4 * ratio), peer=runs(1.0, 4.0), limit=9.0
    )
    return SuiteResult(version="1", date="2026-01-01", machine="m", clip=clip, figures=(figure,))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    import numpy as np

    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 25, (64, 64), crf=30) as writer:
        for _ in range(5):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    return path


def test_ratios_are_of_pairs_that_ran_together() -> None:
    # half of the pairs met a machine four times as slow
    assert result(1.5).figures[0].ratio() == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [(1.0, 1.0, 0), (1.1, 1.0, 0), (1.3, 1.0, 1), (0.5, 1.0, 0)],
)
def test_only_what_grew_is_a_regression(now: float, before: float, worse: int) -> None:
    assert len(result(now).regressions(result(before))) == worse


def test_another_clip_or_figure_is_not_compared() -> None:
    assert result(9.0).regressions(result(1.0, clip="another")) == ()
    empty = result(1.0).model_copy(update={"figures": ()})
    assert result(9.0).regressions(empty) == ()


def test_the_table_names_machine_peer_and_wish() -> None:
    text = result(2.0).to_markdown()
    assert "2026-01-01, gaitproof 1; m; clip a clip." in text
    assert "| walk | stand | 5.00 [2.00–8.00] | 9 | " in text
    assert text.endswith("| 2.00 | 2.00 |\n")


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(result(1.5).model_dump_json())
    assert load_result(path) == result(1.5)
    path.write_text("{}")
    with pytest.raises(InputError, match="benchmark result"):
        load_result(path)


def test_commands_take_turns_and_the_first_turn_is_not_counted(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def run(command: tuple[str, ...], log: Path) -> tuple[int, Cost]:
        order.append(command[0])
        return 0, Cost(len(order), len(order), 1.0)

    monkeypatch.setattr(suite, "run_alone", run)
    monkeypatch.setattr(
        suite, "list_trials", lambda *_: {"it": Trial("it", ("ours",), ("peer",), "p")}
    )
    shares: list[float] = []
    result = run_suite(clip, tmp_path, repeats=2, progress=shares.append)
    assert order == ["ours", "peer"] * 3
    assert result.figures[0].ours.seconds == (3.0, 5.0)
    assert shares[-1] == 1.0
    with pytest.raises(InputError, match="no such benchmark"):
        run_suite(clip, tmp_path, only=["other"])


@pytest.mark.parametrize(("ours", "peer"), [("1/0", "pass"), ("pass", "1/0")])
def test_a_command_that_fails_is_no_figure(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: str, peer: str
) -> None:
    python = (sys.executable, "-I", "-S", "-c")
    trial = Trial("it", (*python, ours), (*python, peer), "p")
    monkeypatch.setattr(suite, "list_trials", lambda *_: {"it": trial})
    with pytest.raises(GaitproofError, match="division by zero"):
        run_suite(clip, tmp_path, repeats=1)


@pytest.mark.slow
def test_the_command_writes_compares_and_says_so_by_its_status(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    line = ["bench", "--clip", str(clip), "--repeats", "1", "--only", "import", "-o", str(out)]
    done = CliRunner().invoke(app, [*line, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["regressions"] == []
    fast = json.loads(out.read_text())
    fast["figures"][0]["ours"]["cpu_seconds"] = [1e-6]
    before = tmp_path / "before.json"
    before.write_text(json.dumps(fast))
    again = CliRunner().invoke(app, [*line, "--against", str(before)])
    assert again.exit_code == 1
    assert "Slower than before: `import gaitproof`" in again.stdout
