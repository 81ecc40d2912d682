from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from scripted import ScriptedEncoder, make_band, make_card, walk
from synthetic_masks import walking_masks
from typer.testing import CliRunner

from experiments.__main__ import make_app
from experiments.kth import command as kth_tables
from experiments.kth import run as kth
from experiments.kth.claims import Counts, decide, wrong_verdicts
from gaitproof import metrics
from gaitproof.config import QualityGate
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.table import format_percent
from gaitproof.evaluate.trials import Trials
from gaitproof.gait.features import compute_windows
from gaitproof.pose.cleaning import clean
from gaitproof.types import Decision, SilhouetteSequence
from gaitproof.verify.decision import TOO_CLOSE
from gaitproof.verify.scoring import make_template, similarity

pytestmark = pytest.mark.slow

PEOPLE = 4


def _decisive(threshold=0.93):
    """Return a card by which every similarity but the threshold itself is strong support."""
    card = make_card()
    return make_card(
        operating_point=card.operating_point.model_copy(update={"threshold": threshold}),
        calibration=card.calibration.model_copy(
            update={"slope": 1e8, "intercept": -1e8 * threshold}
        ),
    )


@pytest.fixture(scope="module")
def encoder():
    return ScriptedEncoder(_decisive())


def _fill(folder):
    for person in range(PEOPLE):
        for condition in ("d1", "d2", "d3", "d4"):
            (folder / f"person{person:02d}_walking_{condition}.mp4").touch()
    (folder / "person00_running_d1.mp4").touch()
    return folder


@pytest.fixture
def folder(tmp_path):
    return _fill(tmp_path)


@pytest.fixture(scope="module")
def standard(tmp_path_factory, encoder):
    folder = _fill(tmp_path_factory.mktemp("kth"))
    return kth.run(folder, encoder=encoder, extractor=_extractor(), draws=50)


def _tracks(path, height):
    return _passes(int(path.stem[6:8]), int(path.stem[-1]), height)


@cache
def _passes(person, condition, height):
    return tuple(
        # given last first, as an extraction sorts by quality and not by time
        walk(person, take=10 * condition + i, seconds=3.1, start=6.0 * i, height=height)
        for i in (2, 0, 1)
    )


@pytest.fixture(autouse=True, scope="module")
def _cleaned_once():
    """Clean and gate the passes of a clip once: nearly all tests here look at the same."""
    with pytest.MonkeyPatch.context() as patch:
        joint_walks = cache(lambda tracks, settings: real(SimpleNamespace(tracks=tracks), settings))
        real = kth.joint_walks
        patch.setattr(
            kth,
            "joint_walks",
            lambda extraction, settings: joint_walks(extraction.tracks, settings),
        )
        yield


def _extractor(height=400.0):
    return lambda path: SimpleNamespace(tracks=_tracks(path, height))


def _print(*tables) -> str:
    out = io.StringIO()
    for table in tables:
        Console(file=out, width=200).print(table)
    return out.getvalue()


def test_every_pass_claims_everybody_in_every_other_condition(folder, encoder):
    shares = []
    result = kth.run(
        folder, encoder=encoder, extractor=_extractor(), draws=100, progress=shares.append
    )
    assert result.people == PEOPLE
    assert shares[-1] == 1.0
    assert len(shares) == PEOPLE * 4
    gate = result.gates["gate as shipped"]
    # three passes in each of four clips; each is a probe for three enrol conditions
    assert gate.probes == PEOPLE * 12
    assert len(gate.trials) == PEOPLE * 12 * 3 * PEOPLE
    assert gate.trials.mated.sum() == PEOPLE * 12 * 3
    assert gate.enrolled == dict.fromkeys(kth.CONDITIONS, PEOPLE)
    assert gate.reasons == {}
    assert set(gate.trials.kind) == {"mated", "enrolled impostor"}
    assert (gate.condition == "d1").sum() == PEOPLE * 3 * 3 * PEOPLE
    assert (gate.trials.windows > 0).all()
    whole = gate.parts["all"]
    assert whole.figures["auc"].value > 0.9
    assert whole.figures == whole.scored
    accepted = gate.trials.scores >= gate.threshold
    assert whole.counts["mated"].authentic == (accepted & gate.trials.mated).sum()
    assert whole.counts["non-mated"].deepfake == (~accepted & ~gate.trials.mated).sum()
    clips = result.gates["gate as shipped, whole clips"]
    assert clips.probes == PEOPLE * 4
    assert clips.enrolled == gate.enrolled
    assert len(clips.trials) == PEOPLE * 4 * 3 * PEOPLE
    assert clips.trials.mated.sum() == PEOPLE * 4 * 3
    for kind in ("mated", "non-mated"):
        for parts in (
            [part for name, part in gate.parts.items() if name != "all"],
            gate.pairs.values(),
        ):
            counts = [vars(part.counts[kind]) for part in parts]
            assert vars(whole.counts[kind]) == {
                k: sum(part[k] for part in counts) for k in counts[0]
            }


def test_a_condition_is_never_paired_with_itself(standard):
    for gate in standard.gates.values():
        trials = gate.trials
        expected = {f"{e}>{p}" for e in kth.CONDITIONS for p in kth.CONDITIONS if e != p}
        assert set(gate.pairs) == expected == set(trials.part)
        assert list(gate.parts) == ["all", *kth.CONDITIONS]
        ends = [part.split(">")[1] for part in trials.part]
        np.testing.assert_array_equal(ends, gate.condition)
        # a claim is named by who probes, from where to where, by which pass, and as whom
        names = set(zip(trials.probe, trials.claimed, trials.recording, strict=True))
        assert len(names) == len(trials)
        for name, part in gate.pairs.items():
            assert part.claims == len(trials) / 12
            inside = trials.select(trials.part == name)
            assert part.figures["auc"].value == metrics.auc(inside.scores, inside.mated)
            assert part.figures["eer"].value == metrics.eer(inside.scores, inside.mated)
            assert all(recording.startswith(f"{name}/") for recording in inside.recording)


def test_a_score_is_that_of_the_probe_with_all_passes_of_the_other_clip(encoder, standard):
    def embedded(person, condition):
        tracks = _tracks(Path(f"person{person:02d}_walking_{condition}.mp4"), 400.0)
        return [
            encoder.embed(compute_windows(clean(track).sequence))
            for track in kth.in_time_order(tracks)
        ]

    template = make_template(embedded(1, "d3"))
    probes = embedded(2, "d2")
    single = standard.gates["no gate"].trials
    whole = standard.gates["no gate, whole clips"].trials
    for trials, recording, probe in (
        (single, "d3>d2/1", probes[1]),
        (whole, "d3>d2/0", np.concatenate(probes)),
    ):
        selected = trials.select(
            (trials.probe == "person02")
            & (trials.claimed == "person01")
            & (trials.recording == recording)
        )
        assert selected.scores == pytest.approx([similarity(probe, template)])
        assert selected.windows.tolist() == [len(probe)]


def test_small_people_are_inconclusive_until_the_limit_is_lifted(folder, encoder):
    result = kth.run(folder, encoder=encoder, extractor=_extractor(70.0), draws=50)
    shipped = result.gates["gate as shipped"]
    assert shipped.enrolled == dict.fromkeys(kth.CONDITIONS, 0)
    assert shipped.trials.failures == len(shipped.trials)
    assert shipped.parts["all"].figures == shipped.parts["all"].scored == {}
    assert set(shipped.reasons) == {
        "probe: The person is … px tall; at least … px are needed: film from … nearer, zoom in, or "
        "take a copy of higher resolution."
    }
    assert shipped.parts["d3"].counts["mated"] == Counts(0, 0, PEOPLE * 3 * 3)
    lifted = result.gates["gate without height limit"]
    assert lifted.trials.failures == 0
    assert lifted.parts["all"].scored["auc"].value == metrics.auc(
        lifted.trials.scores, lifted.trials.mated
    )
    text = _print(
        *kth_tables.confusion_tables(result),
        *kth_tables.score_tables(result),
        kth_tables.reason_table(result),
    )
    for word in ("no gate", "gate as shipped", "INCONCLUSIVE", "whole clips", "px tall", "–"):
        assert word in text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    # nobody is scored under the gate as shipped, all are without its limit
    assert rows.count(["all", "all", "576", "–", "–"]) == 1
    assert rows.count(["all", "scored", "0", "–", "–"]) == 2
    auc = format_percent(lifted.parts["all"].scored["auc"])
    assert any(row[:4] == ["all", "scored", "576", auc] for row in rows)
    # with small people the gate as shipped errs never, for want of any verdict
    assert kth_tables.wrong_lines(result)[1].endswith("met only as nothing was decided")
    # the pairs are for the JSON only
    assert "d1>d2" not in text
    json.dumps(result.to_dict(), allow_nan=False)


def test_a_claim_on_somebody_without_a_template_is_inconclusive(folder, encoder):
    def extractor(path):
        short = path.stem == "person02_walking_d1"
        tracks = _tracks(path, 400.0)
        return SimpleNamespace(tracks=tuple(t.slice(0, 20) for t in tracks) if short else tracks)

    gate = kth.run(folder, encoder=encoder, extractor=extractor, draws=50).gates["no gate"]
    assert gate.enrolled == {"d1": PEOPLE - 1, "d2": PEOPLE, "d3": PEOPLE, "d4": PEOPLE}
    missing = gate.trials.select(np.isnan(gate.trials.scores))
    enrolled = np.char.startswith(missing.part, "d1>")
    assert set(missing.select(enrolled).claimed) == {"person02"}
    assert set(missing.select(~enrolled).probe) == {"person02"}
    assert set(missing.select(~enrolled).part) == {"d2>d1", "d3>d1", "d4>d1"}
    assert gate.reasons == {
        # nine passes of everybody, from elsewhere to the short template
        "template of too little material": PEOPLE * 9,
        # the three short passes, against everybody enrolled in three conditions
        "probe: The pass is shorter than a window of … s.": 3 * 3 * PEOPLE,
    }
    assert (missing.windows == 0).all()
    part = gate.parts["d1"]
    assert part.scored_counts == {"mated": 3 * 3 * 3, "non-mated": 3 * 3 * 3 * 3}
    assert part.figures["auc"].value < part.scored["auc"].value


def test_a_clip_that_is_missing_is_neither_enrolled_nor_probed(folder, encoder):
    (folder / "person03_walking_d2.mp4").unlink()
    gate = kth.run(folder, encoder=encoder, extractor=_extractor(), draws=50).gates["no gate"]
    assert gate.enrolled == {"d1": PEOPLE, "d2": PEOPLE - 1, "d3": PEOPLE, "d4": PEOPLE}
    assert gate.probes == PEOPLE * 12 - 3
    # 45 passes claim: 9 of d2 in three conditions of 4 people, 36 others in two of 4 and one of 3
    assert len(gate.trials) == 9 * 3 * 4 + 36 * (4 + 4 + 3)
    assert gate.trials.failures == 0
    from_d2 = gate.trials.select(np.char.startswith(gate.trials.part, "d2>"))
    assert "person03" not in from_d2.claimed
    assert set(from_d2.select(from_d2.probe == "person03").kind) == {"never-seen impostor"}
    assert set(from_d2.select(from_d2.probe != "person03").kind) == {"mated", "enrolled impostor"}


def test_a_clip_without_anybody_fails_as_a_pass(folder, encoder):
    def extractor(path):
        empty = path.stem == "person00_walking_d4"
        return SimpleNamespace(tracks=() if empty else _tracks(path, 400.0))

    result = kth.run(folder, encoder=encoder, extractor=extractor, draws=50)
    for name, others in (("no gate", PEOPLE * 12 - 3), ("no gate, whole clips", PEOPLE * 4 - 1)):
        gate = result.gates[name]
        assert gate.enrolled["d4"] == PEOPLE - 1
        assert gate.probes == others + 1
        assert gate.reasons[f"probe: {kth.NOBODY}"] == 3 * PEOPLE


def test_the_share_of_wrong_verdicts():
    people = np.array(["a", "b", "c"])
    probe, claimed = np.repeat(people, 3), np.tile(people, 3)
    mated = probe == claimed
    trials = Trials(
        scores=np.full(9, np.nan),
        mated=mated,
        probe=probe,
        claimed=claimed,
        recording=np.full(9, "d1>d2/0"),
        source=np.full(9, "kth"),
        kind=np.where(mated, "mated", "enrolled impostor"),
        fold=np.zeros(9),
    )
    yes, no, open_ = Decision.AUTHENTIC, Decision.DEEPFAKE, Decision.INCONCLUSIVE
    decisions = [
        *(no, yes, no),  # a is refused, and taken for b
        *(no, open_, open_),
        *(no, no, yes),
    ]
    wrong = wrong_verdicts(trials, decisions, draws=400)
    assert wrong["mated"].value == pytest.approx(1 / 3)
    assert wrong["non-mated"].value == pytest.approx(1 / 6)
    for interval in wrong.values():
        assert 0 <= interval.low <= interval.value <= interval.high <= 1
    # drawn without a, nothing of a mated claim is wrong; drawn alone, everything
    assert (wrong["mated"].low, wrong["mated"].high) == (0.0, 1.0)
    only = ~mated
    assert set(wrong_verdicts(trials.select(only), [no] * 6, draws=50)) == {"non-mated"}


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (0.0, ("AUTHENTIC on 100.0 [100.0–100.0] of 432 non-mated", "DEEPFAKE on 0.0", "missed")),
        (1.0, ("AUTHENTIC on 0.0", "DEEPFAKE on 100.0 [100.0–100.0] of 144 mated", "missed")),
    ],
)
def test_a_line_per_gate_says_how_often_the_verdict_is_wrong(folder, threshold, said):
    encoder = ScriptedEncoder(_decisive(threshold))
    result = kth.run(folder, encoder=encoder, extractor=_extractor(), draws=50)
    heading, *lines = kth_tables.wrong_lines(result)
    assert f"{PEOPLE} people" in heading
    assert [line.partition(":")[0] for line in lines] == list(result.gates)
    for words in (*said, "(0.0 undecided)", "at most 5 %"):
        assert words in lines[0]
    data = result.to_dict()["gates"]["gate as shipped"]["wrong"]
    assert data["non-mated"]["value"] == 1 - threshold
    assert data["mated"]["value"] == threshold


@pytest.mark.parametrize(
    ("value", "high", "said"),
    [
        (0.05, 0.05, "at most 5 %: met"),
        (0.05, 0.051, "at most 5 %: met, but not by the whole interval"),
        (0.0501, 0.06, "at most 5 %: missed"),
    ],
)
def test_the_target_is_met_surely_only_by_the_whole_interval(standard, value, high, said):
    wrong = {"mated": Interval(0.0, 0.0, 0.0), "non-mated": Interval(value, 0.0, high)}
    gates = {"no gate": replace(standard.gates["no gate"], wrong=wrong)}
    assert kth_tables.wrong_lines(replace(standard, gates=gates))[1].endswith(said)


def test_a_verdict_is_that_of_verification():
    card = _decisive()
    assert decide(np.nan, 0, card) is Decision.INCONCLUSIVE
    assert decide(0.931, 3, card) is Decision.AUTHENTIC
    assert decide(0.929, 3, card) is Decision.DEEPFAKE
    point = card.operating_point.model_copy(update={"inconclusive": make_band(0.9, 0.95)})
    banded = make_card(operating_point=point, calibration=card.calibration)
    assert decide(0.949, 3, banded) is Decision.INCONCLUSIVE
    assert decide(0.96, 3, banded) is Decision.AUTHENTIC


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
    windows, reasons = kth.gated_windows(cleaned, None)
    assert len(windows) > 0
    assert reasons == ()
    windows, reasons = kth.gated_windows(cleaned, QualityGate())
    assert len(windows) == 0
    assert "px tall" in reasons[0]


class MaskEncoder:
    """The mean mask, less that of everybody."""

    card = make_card(signal="silhouettes", mean=(), std=())

    def embed(self, windows):
        values = windows.masks.mean(axis=1).reshape(len(windows), -1) - 0.3
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def _masks(path, height=100.0):
    person, condition = int(path.stem[6:8]), int(path.stem[-1])
    tracks = []
    # given last first, as an extraction sorts by quality and not by time
    for i in (1, 0):
        masks = walking_masks(person, 10 * condition + i)
        times = 6.0 * i + np.arange(len(masks)) / 25
        tracks.append(SilhouetteSequence.from_masks(times, masks, height=np.full(60, height)))
    return SimpleNamespace(tracks=(), silhouettes=(*tracks, SilhouetteSequence.empty([0.0, 0.1])))


def test_a_model_of_silhouettes_gets_the_masks_of_the_same_passes(folder):
    result = kth.run(folder, encoder=MaskEncoder(), extractor=_masks, draws=50)
    gate = result.gates["gate as shipped"]
    assert gate.probes == PEOPLE * 8
    assert len(gate.trials) == PEOPLE * 8 * 3 * PEOPLE
    assert gate.parts["all"].figures["auc"].value > 0.9
    assert gate.pairs["d1>d3"].figures["auc"].low > 0.5
    small = kth.run(folder, encoder=MaskEncoder(), extractor=partial(_masks, height=70), draws=50)
    assert small.gates["gate as shipped"].trials.failures == len(gate.trials)
    assert "px tall" in next(iter(small.gates["gate as shipped"].reasons))
    assert small.gates["gate without height limit"].trials.failures == 0


@pytest.mark.parametrize(("frames", "count"), [(60, 2), (12, 0)])
def test_masks_without_a_gate_need_a_window_only(frames, count):
    track = SilhouetteSequence.from_masks(np.arange(frames) / 25, walking_masks(0, frames=frames))
    windows, reasons = kth.usable_masks(track, None)
    assert len(windows) == count
    assert bool(reasons) == (count == 0)


def test_tracks_are_taken_in_time_order():
    tracks = _tracks(Path("person00_walking_d1.mp4"), 400.0)
    starts = [track.timestamps[0] for track in kth.in_time_order(tracks)]
    assert starts == [0.0, 6.0, 12.0]


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["person01_walking_d1.mp4"],
        [f"person01_walking_{condition}.mp4" for condition in kth.CONDITIONS],
        [f"person{person:02d}_walking_d1.mp4" for person in range(PEOPLE)],
    ],
)
def test_a_folder_without_the_clips_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="KTH walking clips"):
        kth.run(tmp_path)


def test_the_command_prints_tables_and_a_line_per_gate(folder, standard, monkeypatch):
    seen = {}

    def run(path, **options):
        seen.update(options, path=path)
        return standard

    monkeypatch.setattr(kth_tables, "run", run)
    cache = folder / "poses"
    printed = CliRunner().invoke(make_app(["kth"]), ["kth", str(folder), "--cache", str(cache)])
    assert printed.exit_code == 0
    assert (seen["path"], seen["cache"]) == (folder, cache)
    for line in kth_tables.wrong_lines(standard):
        assert line in printed.stdout.splitlines()
    result = CliRunner().invoke(make_app(["kth"]), ["kth", str(folder), "--json"])
    assert json.loads(result.stdout) == standard.to_dict()
