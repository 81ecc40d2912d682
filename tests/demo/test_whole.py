"""The demo in small, with nothing scripted: renderer, pose model, encoder, gallery."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gaitproof.demo.plan import make_plan
from gaitproof.demo.run import GALLERY, clip_file, run_demo
from gaitproof.demo.story import demo_page
from gaitproof.types import Decision
from gaitproof.verify.gallery import Gallery

ROOT = Path(__file__).parents[2]

SECONDS, SIZE = 3.2, (480, 270)
"""Of a walk: enough for a verdict, and half of the demo's length and of its pixels."""

TRIALS = ("ann-new", "ben-with-face-of-ann", "ann-short")


@pytest.mark.slow
def test_a_forgery_is_told_from_the_real_walk(tmp_path, monkeypatch):
    full = make_plan(0, seconds=SECONDS, size=SIZE)
    plan = replace(
        full,
        enrolment={"Ann": full.enrolment["Ann"]},
        trials=tuple(trial for trial in full.trials if trial.clip.name in TRIALS),
    )
    work, final = tmp_path / "work", tmp_path / "final"
    work.mkdir()
    result = run_demo(plan, work, final)
    shutil.move(work, final)

    assert [trial.verdict.decision for trial in result.trials] == list(Decision)
    assert result.as_expected
    genuine, forged, short = (trial.verdict for trial in result.trials)
    assert forged.similarity < genuine.threshold <= genuine.similarity
    assert forged.log10_lr < genuine.log10_lr
    assert short.similarity is None
    assert "Eve" in result.refusal
    assert str(tmp_path) not in result.refusal

    page = demo_page(result, final, datetime.now(UTC))
    assert "3 of 3 verdicts as expected" in page
    assert page.count("data:image/jpeg;base64,") == 3 * 3 + 3

    # the gallery remembers where the videos lie now
    history = Gallery.open(final / GALLERY, create=False).history("Ann")
    stored = {recording.path for recording in history.recordings}
    assert stored == {str(final / clip_file(clip)) for clip in plan.enrolment["Ann"]}
    assert all(Path(path).is_file() for path in stored)

    # what the README shows does what it says
    [snippet] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    namespace: dict[str, object] = {}
    exec(compile(snippet, "README.md", "exec"), namespace)
    monkeypatch.chdir(tmp_path)
    decision, headline = namespace["check"](
        tmp_path / "readme.db",
        [final / clip_file(plan.enrolment["Ann"][0])],
        final / clip_file(plan.trials[0].clip),
    )
    # by the default model, which decides nothing without reference footage
    assert decision is Decision.INCONCLUSIVE
    assert headline.startswith("INCONCLUSIVE")
    assert "gaitproof reference add" in headline
    report = json.loads(Path("case.json").read_text())
    assert 0 < report["content"]["verdict"]["similarity"] <= 1
    assert Path("case.html").is_file()
