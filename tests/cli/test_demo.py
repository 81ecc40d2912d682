import json
from functools import partial

import pytest
from typer.testing import CliRunner

import gaitproof.demo.run as run_module
from gaitproof.cli.app import app
from gaitproof.demo.plan import make_plan
from gaitproof.demo.run import DemoResult, TrialResult
from gaitproof.types import Decision


@pytest.fixture
def script(monkeypatch, make_verdict):
    """Let the demo decide as told, without filming; `wrong` names clips with a wrong verdict."""

    def decide(wrong, plan, folder, final, *, progress):
        for stage, total in (("film", 13), ("enrol", 3), ("verify", 7)):
            progress(stage, total, total)
        results = []
        for trial in plan.trials:
            answer = trial.expected.value
            if trial.clip.name in wrong:
                answer = "DEEPFAKE" if answer == "AUTHENTIC" else "AUTHENTIC"
            results.append(TrialResult(trial, make_verdict(answer, claim=trial.claim)))
        return DemoResult(plan, tuple(results), "not enrolled", _NoPeople(), 12.0)

    def install(*wrong):
        monkeypatch.setattr(run_module, "run_demo", partial(decide, wrong))

    return install


class _NoPeople(dict):
    tracks = ()

    def __missing__(self, clip):
        return self


@pytest.mark.parametrize(("wrong", "status"), [((), 0), (("stranger",), 1), (("ann-new",), 1)])
def test_exit_status_json_and_files(script, tmp_path, wrong, status):
    script(*wrong)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["demo", "--out", str(out), "--json"])
    assert done.exit_code == status
    answer = json.loads(done.stdout)
    assert answer == json.loads((out / "demo.json").read_text())
    disagree = [t["clip"] for t in answer["trials"] if t["verdict"] != t["expected"]]
    assert disagree == [f"clips/{name}.mp4" for name in wrong]
    assert f"{7 - len(wrong)} of 7 verdicts as expected" in (out / "index.html").read_text()
    assert str(out / "index.html") in done.stderr.replace("\n", "")


def test_the_table_shows_expectation_and_verdict(script, tmp_path):
    script("stranger")
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "out")], env={"COLUMNS": "120"})
    assert done.exit_code == 1
    assert done.stdout.count("unexpected") == 1
    assert "6 of 7 verdicts as expected" in done.stdout
    for trial in make_plan(0).trials:
        assert trial.title in done.stdout
    for decision in Decision:
        assert decision.value in done.stdout


def test_a_failure_leaves_nothing(monkeypatch, tmp_path):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "run_demo", fail)
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "out")])
    assert done.exit_code != 0
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_folder_is_refused_before_any_work(monkeypatch, tmp_path):
    from gaitproof.errors import InputError

    (tmp_path / "mine.txt").write_text("x")
    called = []
    monkeypatch.setattr(run_module, "run_demo", lambda *_, **__: called.append(1))
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert called == []


def test_negative_seeds_are_wrong_usage():
    assert CliRunner().invoke(app, ["demo", "--seed", "-1"]).exit_code == 2
