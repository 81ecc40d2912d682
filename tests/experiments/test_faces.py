import csv
import shutil
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from one_process import run_here
from portrait_clips import FACES
from rich.console import Console
from tiny_face_model import make_weights, write_model

from experiments.faces import run as experiment
from experiments.faces.command import cost_line, figure_table, verdict_table
from experiments.faces.portraits import Pairing, film, pair_portraits
from experiments.faces.run import run
from experiments.faces.swaps import SWAPS
from experiments.faces.trials import GENUINE, FacesResult, Trial, face_trials
from gaitproof.bench.face_scan import COMPRESSIONS
from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.errors import InputError, ModelError
from gaitproof.evaluate.fusion_trials import read_single, write_single
from gaitproof.media.decode import read_frames

pytestmark = pytest.mark.slow


def portraits(people=6, split="test"):
    """Two portraits of each."""
    return [
        FaceClip(f"{i}-{k}.jpg", Label.REAL, (f"p{i}",), split=split)
        for i in range(people)
        for k in range(2)
    ]


def trial(person, kind=GENUINE, compression="good", score=0.9, decision="REAL"):
    people = (f"p{person}",) if kind == GENUINE else (f"p{person}", f"p{(person + 1) % 5}")
    ratio = None if score is None else 2 * score - 1
    return Trial(f"{person}.jpg", people, kind, compression, 1, decision, score, ratio, 10, 1.5)


def bench(score=lambda person, kind: 0.9 if kind == GENUINE else 0.1, **changes):
    trials = tuple(
        trial(person, kind, compression, score(person, kind))
        for person in range(5)
        for kind in (GENUINE, *SWAPS)
        for compression in COMPRESSIONS
    )
    fields = {"model_id": "m", "split": "test", "threshold": 0.5, "crop_ms": 12.0}
    return FacesResult(**fields | {"trials": trials, "failures": ()} | changes)


def test_everybody_gets_the_face_of_another_person_of_the_split():
    clips = [*portraits(), FaceClip("x.jpg", Label.REAL, ("other",), split="train")]
    clips.append(FaceClip("f.mp4", Label.FAKE, ("p1", "p2"), "swap", "test"))
    pairs = pair_portraits(clips, "test", 0, 3)
    assert sorted(one.people[0] for one in pairs) == [f"p{i}" for i in range(6)]
    assert sorted(one.people[1] for one in pairs) == [f"p{i}" for i in range(6)]
    assert all(one.people[0] != one.people[1] for one in pairs)
    assert pairs == pair_portraits(clips, "test", 0, 3)
    assert pairs != pair_portraits(clips, "test", 0, 4)
    assert len(pair_portraits(clips, "test", 4, 0)) == 4


def test_too_few_people():
    with pytest.raises(InputError, match="three people"):
        pair_portraits(portraits(2), "test", 0, 0)
    with pytest.raises(InputError, match="'train'"):
        pair_portraits(portraits(), "train", 0, 0)


def test_figures_per_kind_and_compression():
    figures = bench(lambda person, kind: 0.9 if kind in (GENUINE, "colour") else 0.1).figures
    assert figures["poisson", "good"].values["auc"].value == 1
    assert figures["colour", "strong"].values["auc"].value == 0.5
    assert figures["colour", None].values["false_real"].value == 1
    together = figures[None, None]
    assert together.values["auc"].value == pytest.approx(1 - 1 / 6)
    assert (together.genuine, together.forged, together.genuine_people) == (10, 30, 5)


def test_clips_without_a_face_are_counted_and_not_scored():
    lost = trial(0, "poisson", score=None, decision="NO FACE")
    result = bench(trials=(*bench().trials, lost))
    assert result.figures["poisson", "good"].forged == 5
    assert len(result.select("poisson", "good")) == 6


def test_tables_say_all():
    result = bench()
    console = Console(width=160)
    with console.capture() as shown:
        console.print(figure_table(result))
        console.print(verdict_table(result))
    text = shown.get()
    assert "100.0 [100.0–100.0]" in text
    # no error in two pairs who share nobody allows 78 %
    assert "< 77.7" in text
    assert "5 + 15" in text
    assert all(kind in text for kind in SWAPS)
    assert "1.50 s" in cost_line(result)
    assert "12.0 ms" in cost_line(result)


def test_the_face_that_fills_most_of_the_clip_is_scored():
    def face(score, sizes):
        frames = [SimpleNamespace(box=(10, 10, 10 + size, 10 + size)) for size in sizes]
        return SimpleNamespace(score=score, log10_lr=None, frames=frames)

    decided = SimpleNamespace(value="FAKE")
    faces = [face(0.1, [20] * 3), face(0.8, [200, 210]), face(None, [])]
    scan = SimpleNamespace(faces=faces, decision=decided, seconds=1.0)
    pairing = Pairing("a.jpg", "b.jpg", ("ann", "bob"))
    trial = experiment._judge(scan, pairing, "colour", "good")
    assert (trial.score, trial.pictures, trial.faces) == (0.8, 2, 3)
    assert (trial.decision, trial.people) == ("FAKE", ("ann", "bob"))
    nobody = SimpleNamespace(faces=[], decision=decided, seconds=1.0)
    assert experiment._judge(nobody, pairing, GENUINE, "good").score is None


def test_second_faces_are_told():
    result = bench(trials=(replace(trial(0), faces=2), trial(1)))
    assert "In 1 of 2 clips the detector saw a second face." in cost_line(result)
    assert "second" not in cost_line(bench())


def test_trials_for_the_fusion_with_the_walk(tmp_path):
    lost = trial(0, score=None, decision="NO FACE")
    result = bench(trials=(trial(1), trial(2, "colour", score=0.1), lost))
    write_single(tmp_path / "t.csv", face_trials(result))
    trials = read_single(tmp_path / "t.csv")
    assert trials.group.tolist() == ["p1", "p2"]
    assert trials.genuine.tolist() == [True, False]
    assert trials.log10_lr == pytest.approx([0.8, -0.8])


def rated(*ratios):
    people = (("ann",), ("ann", "bob"), ("bob", "ann"), ("bob",))
    kinds = (GENUINE, "swap", "swap", GENUINE)
    pictures = (10, 10, 0, 2)
    trials = tuple(
        Trial("a.jpg", who, kind, "good", 1, "REAL", 0.5, ratio, seen, 1.0)
        for who, kind, ratio, seen in zip(people, kinds, ratios, pictures, strict=True)
    )
    return FacesResult("tiny-1", "val", 0.5, 1.0, trials, ())


def test_ratios_are_those_of_the_person_filmed():
    trials = face_trials(rated(1.3, 0.0, None, 0.8))
    assert trials.group.tolist() == ["ann", "ann", "bob", "bob"]
    assert trials.genuine.tolist() == [True, False, False, True]
    # none without a face, and none of two images
    np.testing.assert_array_equal(trials.log10_lr, [1.3, 0.0, np.nan, np.nan])


def test_without_calibration_there_are_none():
    with pytest.raises(ModelError, match="no calibration"):
        face_trials(rated(None, None, None, None))


def test_twins_move_alike(tmp_path):
    bright, dark = (np.full((200, 160, 3), level, np.uint8) for level in (200, 100))
    for name, picture in (("bright", bright), ("dark", dark)):
        film(picture, 4, 0.2, {c: tmp_path / f"{name}-{c}.mp4" for c in COMPRESSIONS})
    for compression in COMPRESSIONS:
        pair = [read_frames(tmp_path / f"{name}-{compression}.mp4") for name in ("bright", "dark")]
        for first, second in zip(*pair, strict=True):
            assert first.image.mean() / second.image.mean() == pytest.approx(2, abs=0.05)
    sizes = [(tmp_path / f"bright-{c}.mp4").stat().st_size for c in ("good", "strong")]
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.realdata
@pytest.mark.skipif(not FACES.is_dir(), reason="no portraits")
def test_portraits_are_filmed_swapped_and_scanned(tmp_path, monkeypatch):
    root = tmp_path / "root"
    root.mkdir()
    files = sorted((FACES / "london").glob("neutral_*.jpg"))[:3]
    with (root / "clips.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "keys", "manipulation", "split"))
        for path in files:
            shutil.copy(path, root)
            table.writerow((path.name, "real", path.stem, "", "test"))
        cv2.imwrite(str(root / "blank.png"), np.full((300, 300, 3), 90, np.uint8))
        table.writerow(("blank.png", "real", "nobody", "", "test"))
    model = write_model(tmp_path / "m", make_weights(gain=4.0))
    result = run(root, tmp_path / "out", model=model, seconds=0.9)
    # nobody has no face, and so cannot be put on another either
    assert len(result.failures) == 2
    assert len(result.trials) == 2 * 4 * 2
    assert all(one.score is not None and one.pictures >= 3 for one in result.trials)
    clip = next((tmp_path / "out").glob("*/poisson-good.mp4"))
    before = clip.stat().st_mtime_ns
    monkeypatch.setattr(experiment, "run_all", run_here)
    assert run(root, tmp_path / "out", model=model, seconds=0.9).trials == result.trials
    # other weights are scanned anew, on the same clips
    monkeypatch.setattr(experiment, "KINDS", (GENUINE, "poisson"))
    monkeypatch.setattr(experiment, "COMPRESSIONS", ("good",))
    other = write_model(tmp_path / "n", make_weights(gain=8.0))
    again = run(root, tmp_path / "out", model=other, seconds=0.9)
    assert again.trials[0].score != result.trials[0].score
    assert clip.stat().st_mtime_ns == before
