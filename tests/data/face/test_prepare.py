import csv
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from drawn_faces import draw_face
from face_trees import celeb_df, dfdc, faceforensics, fill, plain, portraits, preview, wild
from living import children, wait_for_end
from one_process import prepare_here
from portrait_clips import write_clip

from gaitproof.data.face.prepare import (
    CRASHED,
    FAILURES_FILE,
    Prepared,
    PrepareSettings,
    plan,
    prepare,
)
from gaitproof.data.face.store import CLIP_FOLDER, INDEX_FILE, FaceStore
from gaitproof.errors import InputError, ModelError
from gaitproof.face.detect import DetectorSettings


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "deepfake_data"
    folder.mkdir()
    return folder


def counted(prepared):
    return {
        (one.split, one.label, one.manipulation): (one.clips, one.pictures)
        for one in prepared.counts()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "expected", "unused"),
    [
        (
            faceforensics,
            {
                ("train", "real", "original"): (3, 18),
                ("train", "fake", "Deepfakes"): (1, 6),
                ("train", "fake", "NeuralTextures"): (1, 6),
                ("validation", "real", "original"): (1, 6),
                ("validation", "fake", "DeepFakeDetection"): (1, 6),
            },
            1,
        ),
        (
            celeb_df,
            {
                ("train", "real", "original"): (1, 6),
                ("test", "real", "original"): (3, 18),
                ("test", "fake", "Celeb-synthesis"): (1, 6),
            },
            0,
        ),
        (dfdc, {("train", "real", "original"): (2, 12), ("train", "fake", "DFDC"): (1, 6)}, 0),
        (preview, {("test", "fake", "method_A"): (1, 6)}, 1),
        (
            wild,
            {("train", "real", "original"): (2, 2), ("test", "fake", "in the wild"): (1, 1)},
            0,
        ),
        (
            plain,
            {
                ("train", "real", "original"): (1, 6),
                ("train", "fake", "fake"): (1, 6),
                ("test", "real", "original"): (1, 2),
                ("test", "fake", "fake"): (1, 1),
            },
            0,
        ),
        (
            portraits,
            {("test", "real", "original"): (3, 3), ("test", "fake", "warp"): (1, 6)},
            0,
        ),
    ],
)
def test_every_layout_becomes_a_store(root, tmp_path, monkeypatch, make, expected, unused):
    prepare_here(monkeypatch)
    make(root)
    fill(root)
    prepared = prepare(root, tmp_path / "out", workers=1)
    assert prepared.failures == ()
    assert (counted(prepared), prepared.unused) == (expected, unused)
    store = FaceStore.open(tmp_path / "out")
    assert store.clips == prepared.clips
    assert store.settings.detector.startswith("mediapipe")
    for stored in store.clips:
        faces = store.read(stored)
        assert faces.images.shape == (stored.images, 320, 320, 3)
        assert np.isfinite(faces.meshes).all()
        # eyes, nose and mouth are where the alignment puts them
        target = store.settings.alignment.target()
        assert np.abs(faces.points.mean(axis=0) - target).max() < 20


def make_plain(root, people=4, faces=0):
    for seed in range(people):
        for label in ("real", "fake"):
            path = root / label / f"person{seed}.mp4"
            path.parent.mkdir(exist_ok=True)
            face, _ = draw_face(faces + seed + 100 * (label == "fake"))
            write_clip(path, [np.roll(face, place, 1) for place in range(8)])


@pytest.mark.slow
def test_hostile_clips_stop_no_other_and_are_tried_again(root, tmp_path, monkeypatch):
    make_plain(root, 2)
    out = tmp_path / "out"
    (root / "real/text.mp4").write_text("no video")
    (root / "real/empty.png").touch()
    (root / "fake/link.mp4").symlink_to("/etc/hostname")
    os.mkfifo(root / "fake/pipe.mp4")
    whole = (root / "real/person0.mp4").read_bytes()
    (root / "fake/cut.mp4").write_bytes(whole[: len(whole) // 2])
    write_clip(root / "fake/nobody.mp4", [np.full((96, 96, 3), 90, np.uint8)] * 4)
    (root / "real" / os.fsdecode(b"\xff.mp4")).write_bytes(whole)
    prepared = prepare(root, out, workers=2)
    reasons = {failure.clip: failure.reason for failure in prepared.failures}
    assert set(reasons) == {
        "real/text.mp4",
        "real/empty.png",
        "fake/link.mp4",
        "fake/cut.mp4",
        "fake/nobody.mp4",
        "real/\\udcff.mp4",
    }
    assert "No face was found" in reasons["fake/nobody.mp4"]
    assert "leads out" in reasons["fake/link.mp4"]
    assert len(prepared.clips) == 4
    with (out / FAILURES_FILE).open(newline="", encoding="utf-8") as file:
        assert {row["clip"]: row["reason"] for row in csv.DictReader(file)} == reasons
    # the next run keeps what is done and tries the others again
    write_clip(root / "real/text.mp4", [draw_face(7)[0]] * 8)
    prepare_here(monkeypatch)
    again = prepare(root, out)
    assert (again.kept, len(again.clips), len(again.failures)) == (4, 5, 5)


@pytest.mark.slow
def test_a_clip_that_crashes_its_process_is_a_failure(root, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gaitproof.data.face.prepare.run_apart",
        lambda clips, do, workers: (
            (clip, do(clip) if "1" in clip.path else None) for clip in clips
        ),
    )
    make_plain(root, 2)
    prepared = prepare(root, tmp_path / "out")
    assert [(one.clip, one.reason) for one in prepared.failures] == [
        ("fake/person0.mp4", CRASHED),
        ("real/person0.mp4", CRASHED),
    ]
    assert [stored.clip.path for stored in prepared.clips] == [
        "fake/person1.mp4",
        "real/person1.mp4",
    ]


@pytest.mark.slow
def test_what_a_decoder_throws_is_a_failure(root, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise MemoryError("too\nmuch")

    monkeypatch.setattr("gaitproof.data.face.prepare.extract_faces", fail)
    prepare_here(monkeypatch)
    make_plain(root, 1)
    prepared = prepare(root, tmp_path / "out")
    assert {failure.reason for failure in prepared.failures} == {"MemoryError: too much"}


@pytest.mark.slow
def test_a_full_disk_ends_the_run(root, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gaitproof.data.face.prepare.write_clip", fail)
    prepare_here(monkeypatch)
    make_plain(root, 1)
    with pytest.raises(InputError, match="No space left"):
        prepare(root, tmp_path / "out")


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(root, tmp_path, monkeypatch):
    make_plain(root, 8)
    out = tmp_path / "out"
    command = ["face", "prepare", str(root), "-o", str(out), "--workers", "2"]
    with subprocess.Popen([sys.executable, "-m", "gaitproof", *command]) as run:
        try:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and len(finished(out)) < 3:
                assert run.poll() is None
                time.sleep(0.01)
            workers = children(run.pid)
        finally:
            run.kill()
    wait_for_end(workers)  # by themselves
    before = finished(out)
    assert 3 <= len(before) < 16
    assert not (out / INDEX_FILE).exists()
    prepare_here(monkeypatch)
    resumed = prepare(root, out)
    assert resumed.kept == len(before)
    assert {stored.id for stored in resumed.clips} >= before
    assert len(resumed.clips) == 16
    assert not list((out / CLIP_FOLDER).glob(".*"))
    assert prepare(root, tmp_path / "fresh").clips == resumed.clips


def finished(out):
    folder = out / CLIP_FOLDER
    paths = folder.iterdir() if folder.is_dir() else ()
    return {path.name for path in paths if not path.name.startswith(".")}


@pytest.mark.slow
def test_validation_clips_are_set_aside_where_there_are_none(root, tmp_path, monkeypatch):
    prepare_here(monkeypatch)
    for place, side in enumerate(("train", "test")):
        (root / side).mkdir()
        make_plain(root / side, 4, 10 * place)
    clips, _ = plan(root, PrepareSettings(layout="numbered", set_aside=0.5, seed=2))
    sides = {clip.path: clip.split for clip in clips}
    assert set(sides.values()) == {"train", "validation", "test"}
    assert all((side == "test") == path.startswith("test") for path, side in sides.items())
    for path, side in sides.items():
        assert sides[path.replace("real", "fake")] == side
    # the same names on both sides are the same people unless it is said that they are not
    cautious, _ = plan(root, PrepareSettings())
    assert {clip.split for clip in cautious} == {"unused", "test"}


@pytest.mark.slow
def test_other_settings_or_another_data_set_are_refused(root, tmp_path, monkeypatch):
    prepare_here(monkeypatch)
    make_plain(root, 1)
    out = tmp_path / "out"
    prepare(root, out, workers=1)
    for changed, match in [
        (PrepareSettings(frames=3), "frames 6.*frames 3"),
        (PrepareSettings(seed=1), "seed 0.*seed 1"),
        (PrepareSettings(shares=(0.5, 0.25, 0.25)), "shares"),
        (PrepareSettings(detector=DetectorSettings(min_score=0.5)), r"score=0\.6.*score=0\.5"),
    ]:
        with pytest.raises(InputError, match=match):
            prepare(root, out, changed, workers=1)
    moved = root.rename(tmp_path / "moved")
    with pytest.raises(InputError, match="root"):
        prepare(moved, out, workers=1)
    with pytest.raises(InputError, match="something else"):
        prepare(moved, moved, workers=1)


def test_the_same_file_on_two_sides_is_refused_before_any_work(root, tmp_path):
    plain(root)
    fill(root)
    (root / "test/fake/copy.mp4").write_bytes((root / "train/real/ann.mp4").read_bytes())
    with pytest.raises(InputError, match="leak") as refused:
        prepare(root, tmp_path / "out")
    assert "test/fake/copy.mp4 in test and train/real/ann.mp4" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_key_on_two_sides_is_refused(root, tmp_path, monkeypatch):
    plain(root)
    fill(root)
    monkeypatch.setattr(
        "gaitproof.data.face.prepare.assign_splits", lambda clips, shares, seed: clips
    )
    (root / "test/real/ann.mp4").write_bytes((root / "train/fake/ann__bob.mp4").read_bytes())
    with pytest.raises(InputError, match="clip ann is in test and train"):
        prepare(root, tmp_path / "out")


def test_a_missing_detector_ends_it_before_any_work(root, tmp_path):
    make_plain(root, 1)
    settings = PrepareSettings(
        detector=DetectorSettings(backend="yunet", model_file=tmp_path / "none.onnx")
    )
    with pytest.raises(ModelError, match=r"none\.onnx"):
        prepare(root, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_nothing_prepared_counts_nothing():
    assert Prepared((), (), 0, 0).to_dict() == {
        "clips": 0,
        "pictures": 0,
        "kept": 0,
        "unused": 0,
        "failed": 0,
        "counts": [],
        "failures": [],
        "giveaways": {"auc": {}, "found": []},
    }
