"""Pipes, devices, folders and loops of links are refused by every reader, and at once."""

import os
import signal
from pathlib import Path

import pytest

from gaitproof.config import VerifySettings
from gaitproof.data.face.layouts.files import read_json, read_lines
from gaitproof.data.face.prepare import begin_run
from gaitproof.data.face.store import FaceStore
from gaitproof.data.gait.casia_csv import is_casia_csv
from gaitproof.data.gait.load import load_recordings
from gaitproof.data.manifest import read_manifest
from gaitproof.errors import GaitproofError
from gaitproof.evaluate.fusion_trials import read_trials
from gaitproof.face.model import FaceForgeryModel
from gaitproof.media.decode import read_still
from gaitproof.modelling.store import TrialStore
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.pipeline.state import State
from gaitproof.pose.cache import PoseCache
from gaitproof.pose.formats import load_coco, load_openpose, load_pose
from gaitproof.reading import FileKind, open_file, read_bytes, read_rows
from gaitproof.report.casefile.check import check_report
from gaitproof.report.signature import load_private_key, load_public_key
from gaitproof.train.checkpoint import Identity, load_checkpoint, read_start
from gaitproof.train.estimator_error import EstimatorError
from gaitproof.verify.fusion.rule import load_weights

KINDS = {
    "pipe": os.mkfifo,
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "null": lambda path: path.symlink_to("/dev/null"),
    "folder": Path.mkdir,
    "loop": lambda path: path.symlink_to(path.name),
    "no permission for a link's end": lambda path: path.symlink_to("/proc/1/mem"),
}

PICTURE = {"frame_rate": 30.0, "frame_size": (640, 360)}

READERS = {
    **{f"a.{s}": load_pose for s in ("npz", "json", "csv", "trc", "c3d", "bvh")},
    "coco.json": lambda path: load_coco(path, **PICTURE),
    "people.json": lambda path: load_openpose(path, **PICTURE),
    "settings.yaml": VerifySettings.load,
    "manifest.csv": read_manifest,
    "archive.npz": lambda path: load_recordings(path, "x"),
    "poses.pkl": lambda path: load_recordings(path, "x"),
    "walk.amc": lambda path: load_recordings(path, "x"),
    "walk.csv": lambda path: load_recordings(path, "x"),
    "fusion.json": load_weights,
    "card.json": lambda path: OnnxEncoder.load(path.parent),
    "face/card.json": lambda path: FaceForgeryModel.load(path.parent),
    "trials.csv": read_trials,
    "report.json": check_report,
    "private.pem": load_private_key,
    "public.pem": load_public_key,
    "still.png": read_still,
    "store.json": lambda path: FaceStore.open(path.parent),
    "errors.safetensors": EstimatorError.load,
    "run.safetensors": lambda path: load_checkpoint(path, Identity("a", "b")),
    "checkpoint.safetensors": lambda path: read_start(path.parent),
    "prepare.json": lambda path: begin_run(path.parent, {"frames": 1}),
    "metadata.json": read_json,
    "list.txt": read_lines,
}

FINE = {
    ("people.json", "folder"): "OpenPose files come in a folder",
    ("run.safetensors", "loop"): "counts as no checkpoint yet, and is replaced",
}


@pytest.fixture(autouse=True)
def _impatient():
    """Fail where a reader waits for a pipe's writer."""

    def fail(*_):
        raise TimeoutError("the reader hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _special(folder, name, kind):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    KINDS[kind](path)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_it(tmp_path, name, kind):
    if (name, kind) in FINE:
        pytest.skip(FINE[name, kind])
    path = _special(tmp_path, name, kind)
    with pytest.raises(GaitproofError) as caught:
        READERS[name](path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_be_absent_counts_as_absent(tmp_path, kind):
    cache = PoseCache(tmp_path)
    cache.path("ab").parent.mkdir()
    KINDS[kind](cache.path("ab"))
    assert cache.load("ab") is None
    assert not is_casia_csv(_special(tmp_path, "a.csv", kind))
    _special(tmp_path, "pipeline.json", kind)
    assert not State(tmp_path).knows("train")
    store = TrialStore(tmp_path / "trials")
    KINDS[kind](store._path("a"))
    assert store.load("a", "key") is None


SMALL = FileKind("table", max_bytes=10)


def test_the_limit_holds_whatever_the_size_is_said_to_be(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert read_bytes(path, SMALL) == b"0123456789"
    path.write_bytes(b"01234567890")
    for read in (read_bytes, lambda *a: list(read_rows(*a))):
        with pytest.raises(GaitproofError, match=r"too large.*at most 10 bytes"):
            read(path, SMALL)
    # the kernel says of these that they are empty
    assert read_bytes("/proc/self/status", FileKind("status")).startswith(b"Name:")
    with pytest.raises(GaitproofError, match="too large"):
        read_bytes("/proc/self/status", SMALL)


def test_addresses_are_names_of_files_that_do_not_exist():
    with pytest.raises(GaitproofError, match="download it first"):
        open_file("https://example.org/a.npz", SMALL)
    with pytest.raises(GaitproofError, match="cannot be read"):
        open_file("a\0b", SMALL)
