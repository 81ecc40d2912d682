from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from scripted import ScriptedEncoder, make_band, make_card, walk

from gaitproof import metrics
from gaitproof.bench import kth
from gaitproof.config import QualityGate
from gaitproof.errors import InputError
from gaitproof.pose.cleaning import clean
from gaitproof.types import Decision
from gaitproof.verify.decision import TOO_CLOSE

PEOPLE = 4


@pytest.fixture(scope="module")
def encoder():
    return ScriptedEncoder()


@pytest.fixture
def folder(tmp_path):
    for person in range(PEOPLE):
        for condition in ("d1", "d2", "d3", "d4"):
            (tmp_path / f"person{person:02d}_walking_{condition}.mp4").touch()
    (tmp_path / "person00_running_d1.mp4").touch()
    return tmp_path


def _tracks(path, height):
    person, condition = int(path.stem[6:8]), int(path.stem[-1])
    return tuple(
        # given last first, as an extraction sorts by quality and not by time
        walk(person, take=10 * condition + i, seconds=3.1, start=6.0 * i, height=height)
        for i in (2, 0, 1)
    )


def _extractor(height=400.0):
    return lambda path: SimpleNamespace(tracks=_tracks(path, height))


def _print(*tables) -> str:
    out = io.StringIO()
    for table in tables:
        Console(file=out, width=200).print(table)
    return out.getvalue()


def test_every_other_pass_claims_everybody(folder, encoder):
    told = []
    result = kth.run(
        folder, encoder=encoder, extractor=_extractor(), draws=100, progress=told.append
    )
    assert result.people == PEOPLE
    assert told[-1] == 1.0
    assert len(told) == PEOPLE * 3
    gate = result.gates["gate as shipped"]
    # one pass left of d1, three each of d3 and d4
    assert gate.passes == PEOPLE * 7
    assert len(gate.trials) == PEOPLE * 7 * PEOPLE
    assert gate.trials.mated.sum() == PEOPLE * 7
    assert gate.enrolled == PEOPLE
    assert gate.reasons == {}
    assert (gate.condition == "d1").sum() == PEOPLE * PEOPLE
    assert gate.figures["all"]["auc"].value > 0.9
    assert gate.figures == gate.scored
    counts = gate.counts["all"]
    accepted = gate.trials.scores >= gate.threshold
    assert counts["mated"].authentic == (accepted & gate.trials.mated).sum()
    assert counts["non-mated"].deepfake == (~accepted & ~gate.trials.mated).sum()
    clips = result.gates["gate as shipped, whole clips"]
    # one probe of each of d1, d3, d4; the enrolled passes of d1 are not in it
    assert clips.passes == PEOPLE * 3
    assert clips.enrolled == PEOPLE
    assert len(clips.trials) == PEOPLE * 3 * PEOPLE
    last = gate.trials.select(gate.condition == "d1").scores
    np.testing.assert_array_equal(clips.trials.select(clips.condition == "d1").scores, last)
    for kind in ("mated", "non-mated"):
        whole = vars(counts[kind])
        parts = [vars(gate.counts[c][kind]) for c in kth.CONDITIONS]
        assert whole == {k: sum(part[k] for part in parts) for k in whole}


def test_small_people_are_inconclusive_until_the_limit_is_lifted(folder, encoder):
    result = kth.run(folder, encoder=encoder, extractor=_extractor(70.0), draws=50)
    shipped = result.gates["gate as shipped"]
    assert shipped.enrolled == 0
    assert shipped.trials.failures == len(shipped.trials)
    assert shipped.figures == {}
    assert set(shipped.reasons) == {"probe: The person is … px tall; at least … px are needed."}
    assert shipped.counts["d3"]["mated"] == kth.Counts(0, 0, PEOPLE * 3)
    lifted = result.gates["gate without height limit"]
    assert lifted.trials.failures == 0
    assert lifted.scored["all"]["auc"].value == metrics.auc(
        lifted.trials.scores, lifted.trials.mated
    )
    text = _print(kth.confusion_table(result), kth.score_table(result), kth.reason_table(result))
    for word in ("no gate", "gate as shipped", "INCONCLUSIVE", "112 of 112", "px tall", "–"):
        assert word in text
    json.dumps(result.to_dict(), allow_nan=False)


def test_a_claim_on_somebody_without_a_template_is_inconclusive(folder, encoder):
    def extractor(path):
        short = path.stem == "person02_walking_d1"
        tracks = _tracks(path, 400.0)
        return SimpleNamespace(tracks=tuple(t.slice(0, 20) for t in tracks) if short else tracks)

    gate = kth.run(folder, encoder=encoder, extractor=extractor, draws=50).gates["no gate"]
    assert gate.enrolled == PEOPLE - 1
    missing = gate.trials.select(np.isnan(gate.trials.scores))
    unprobed = missing.select(missing.probe == "person02")
    assert set(missing.select(missing.probe != "person02").claimed) == {"person02"}
    assert set(gate.reasons) == {
        "template of too little material",
        "probe: The pass is shorter than a window of … s.",
    }
    # the short clip's own probe, against everybody; the other probes of person02 as claims
    assert (unprobed.recording == "d1/2").sum() == PEOPLE


def test_a_verdict_is_that_of_verification():
    card = make_card()
    assert kth.decide(np.nan, 0, card) is Decision.INCONCLUSIVE
    assert kth.decide(0.93, 3, card) is Decision.AUTHENTIC
    assert kth.decide(0.929, 3, card) is Decision.DEEPFAKE
    point = card.operating_point.model_copy(update={"inconclusive": make_band(0.9, 0.95)})
    banded = make_card(operating_point=point)
    assert kth.decide(0.949, 3, banded) is Decision.INCONCLUSIVE
    assert kth.decide(0.96, 3, banded) is Decision.AUTHENTIC


def test_claims_too_close_to_call_are_counted_as_such(folder):
    point = make_card().operating_point.model_copy(update={"inconclusive": make_band(0.0, 1.0)})
    encoder = ScriptedEncoder(make_card(operating_point=point))
    result = kth.run(folder, encoder=encoder, extractor=_extractor(), draws=50)
    gate = result.gates["gate as shipped"]
    assert gate.trials.failures == 0
    assert gate.reasons == {TOO_CLOSE: len(gate.trials)}
    data = result.to_dict()["gates"]["gate as shipped"]
    assert data["inconclusive"] == data["claims"] == len(gate.trials)


def test_windows_that_the_gate_refuses_are_left_out():
    cleaned = clean(walk(1, height=70.0))
    windows, reasons = kth.usable_windows(cleaned, None)
    assert len(windows) > 0
    assert reasons == ()
    windows, reasons = kth.usable_windows(cleaned, QualityGate())
    assert len(windows) == 0
    assert "px tall" in reasons[0]


def test_tracks_are_taken_in_time_order():
    tracks = _tracks(Path("person00_walking_d1.mp4"), 400.0)
    starts = [track.timestamps[0] for track in kth.in_time_order(tracks)]
    assert starts == [0.0, 6.0, 12.0]


@pytest.mark.parametrize(
    "names", [[], ["person01_walking_d1.mp4"], ["person01_walking_d2.mp4"] * 3]
)
def test_a_folder_without_the_clips_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="KTH walking clips"):
        kth.run(tmp_path)
