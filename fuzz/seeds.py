"""Good files of every kind that gaitproof reads, small ones, made by its own writers."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from scripted import make_card, make_recording, walk, write_model

Files = dict[str, bytes]
"""Contents by path below the folder that a reader is given."""

VIDEOS: Final = {
    "mp4": ("mp4", "libx264", "yuv420p"),
    "mov": ("mov", "libx264", "yuv420p"),
    "mkv": ("matroska", "libx264", "yuv420p"),
    "avi": ("avi", "mpeg4", "yuv420p"),
    "webm": ("webm", "libvpx", "yuv420p"),
    "asf": ("asf", "wmv2", "yuv420p"),
    "ts": ("mpegts", "libx264", "yuv420p"),
    "h264": ("h264", "libx264", "yuv420p"),
    "gif": ("gif", "gif", "rgb8"),
}
"""FFmpeg's container, codec and pixel format by file ending."""


def files_in(folder: Path) -> Files:
    """Return everything in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def made(write: Callable[[Path], object]) -> Files:
    """Return what a function writes into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return files_in(Path(folder))


@cache
def video(suffix: str, frames: int = 12) -> bytes:
    """Encode a few frames of a moving pattern, 64 pixels wide."""
    form, codec, pixels = VIDEOS[suffix]
    pattern = (
        np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(pattern, 4 * number, axis=1), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def still(form: str) -> bytes:
    """Return a small photograph-like image."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def poses(suffix: str, form: str | None = None) -> Files:
    """Return a short walk in one of the pose formats."""
    from gaitproof.pose.formats import save_pose

    seconds = 1.0 if suffix == ".npz" else 0.4
    return made(lambda folder: save_pose(folder / f"x{suffix}", walk(1, seconds=seconds), form))


def gallery(suffix: str = ".db") -> Files:
    """Return a gallery of two people, or with ``.gaitproof`` the same as an export."""

    def write(folder: Path) -> None:
        from gaitproof.verify.gallery import Gallery

        made_gallery = Gallery.open(folder / "x.db")
        made_gallery.add("ann", [make_recording(1), make_recording(2)])
        made_gallery.add("bob", [make_recording(3)])
        made_gallery.add("bob", [make_recording(4)])
        if suffix != ".db":
            made_gallery.export(folder / f"x{suffix}")
            (folder / "x.db").unlink()

    return {name: data for name, data in made(write).items() if name == f"x{suffix}"}


def gait_model() -> Files:
    """Return the smallest gait model, with a cohort."""
    from safetensors.numpy import save

    def write(folder: Path) -> None:
        write_model(folder / "model")

    files = made(write)
    rows = np.eye(4, 78, dtype=np.float32)
    files["model/cohort.safetensors"] = save({"cohort": rows})
    card = json.loads(files["model/card.json"])
    digest = hashlib.sha256(files["model/cohort.safetensors"]).hexdigest()
    card["cohort"] = {"sha256": digest, "people": 4}
    from gaitproof.nets.card import ModelCard

    try:
        ModelCard.model_validate(card)
    except ValueError:  # the card asks more of a cohort
        del card["cohort"]
    files["model/card.json"] = json.dumps(card).encode()
    return files


def face_model() -> Files:
    """Return the smallest face model."""
    from tiny_face_model import write_model as write_face

    return made(lambda folder: write_face(folder / "model"))


def face_store(people: int = 2, *, forged: bool = False) -> Files:
    """Return a store of drawn faces."""
    from drawn_stores import drawn_store, paint

    change = paint if forged else None
    return made(lambda folder: drawn_store(folder / "store", people, 2, change=change, size=64))


@cache
def case_report() -> tuple[bytes, bytes, bytes]:
    """Return a signed report on a scripted walker, and the private and the public key."""
    from scripted import ScriptedEncoder, ScriptedExtractor

    from gaitproof.config import VerifySettings
    from gaitproof.report.casefile import build_report
    from gaitproof.report.casefile.seal import seal, to_json
    from gaitproof.report.signature import load_private_key, make_keys
    from gaitproof.verify.verifier import Verifier

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = ScriptedEncoder(make_card())
        verifier = Verifier.open(folder / "g.db", encoder=encoder, extractor=ScriptedExtractor())
        for take in (0, 1):
            (folder / f"{take}.mp4").write_text(json.dumps([{"person": 0, "take": take}]))
        verifier.enroll("ann", [folder / "0.mp4"])
        report = build_report(
            verifier.examine(folder / "1.mp4", claim="ann"),
            card=encoder.card,
            settings=VerifySettings(),
            recordings=verifier.gallery.history("ann").recordings,
            command="gaitproof verify 1.mp4",
            frames=[],
            created=datetime(2026, 1, 2, 12, tzinfo=UTC),
        )
        private, public = folder / "a.key", folder / "a.pub"
        make_keys(private, public)
        sealed = seal(report, load_private_key(private))
        return to_json(sealed), private.read_bytes(), public.read_bytes()


def casia_table() -> bytes:
    """Return a GaitGraph pose table of one walk."""
    from coco17_tables import keypoints, table

    with tempfile.TemporaryDirectory() as folder:
        path = table(Path(folder) / "x.csv", {"001-nm-01-090": keypoints(20)})
        return path.read_bytes()


def pickles() -> list[Files]:
    """Return an OpenGait pickle in every protocol that is read."""
    from coco17_tables import keypoints

    return [
        {"001/nm-01/090/090.pkl": pickle.dumps(keypoints(20), protocol=protocol)}
        for protocol in (2, 4, 5)
    ]


def tracklets() -> list[Files]:
    """Return a table of two tracklets as DenseGait's, and one as FVG's."""
    from coco17_tables import tracklet_table

    tables = []
    for runs in (False, True):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "in"  # as it is called where the reader is tried: tables say so
            tracklet_table(folder, 20, runs)
            tables.append(files_in(folder))
    return tables


def skeletons(people: int = 2) -> bytes:
    """Return a skeleton archive of some walkers, with a walk each."""
    from quick import write_archive

    with tempfile.TemporaryDirectory() as folder:
        return write_archive(Path(folder) / "x.npz", people, 1, seconds=2.5).read_bytes()


def shard() -> bytes:
    """Return a shard with the walks of `skeletons`."""
    from gaitproof.data.gait.shards import save_shards
    from gaitproof.data.gait.skeletons import load_skeletons

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.npz")
        path.write_bytes(skeletons())
        (file,) = save_shards(load_skeletons(path, "x"), Path(folder, "s"))
        return file.read_bytes()


ASF: Final = """:version 1.10
:name man
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
  nothing
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
{bones}:hierarchy
  begin
    root lhipjoint rhipjoint lowerback
    lhipjoint lfemur
    lfemur ltibia
    ltibia lfoot
    lfoot ltoes
    rhipjoint rfemur
    rfemur rtibia
    rtibia rfoot
    rfoot rtoes
    lowerback lclavicle rclavicle
    lclavicle lhumerus
    rclavicle rhumerus
  end
"""
_BONES: Final = {
    "hipjoint": ((0.6, -0.4, 0), 2.3),
    "femur": ((0.2, -1, 0), 7.0),
    "tibia": ((0.2, -1, 0), 7.2),
    "foot": ((0, -0.3, 1), 2.2),
    "toes": ((0, 0, 1), 1.1),
    "clavicle": ((1, 0.2, 0), 3.5),
    "humerus": ((1, 0, 0), 5.0),
}


def asf_amc() -> Files:
    """Return a skeleton and a motion in Acclaim's formats."""
    bones = [("lowerback", (0.0, 1.0, 0.0), 8.0)]
    for side, sign in (("l", 1), ("r", -1)):
        bones += [(side + name, (sign * x, y, z), n) for name, ((x, y, z), n) in _BONES.items()]
    text = "".join(
        f"  begin\n    id {i}\n    name {name}\n    direction {x} {y} {z}\n    length {length}\n"
        f"    axis 0 0 0 XYZ\n    dof rx ry rz\n    limits (-180 180)\n           (-180 180)\n"
        f"           (-180 180)\n  end\n"
        for i, (name, (x, y, z), length) in enumerate(bones, start=1)
    )
    motion = [":FULLY-SPECIFIED", ":DEGREES"]
    for frame in range(1, 25):
        motion += [str(frame), f"root 0 17 {frame / 9:.3f} 0 0 0"]
        motion += [f"{name} {frame % 7} 0 0" for name, _, _ in bones]
    return {
        "07.asf": ASF.format(bones=text).encode(),
        "07_01.amc": ("\n".join(motion) + "\n").encode(),
    }


def bvh() -> bytes:
    """Return a motion with a rotating skeleton."""
    return poses(".bvh")["x.bvh"]


def silhouettes(seconds: float = 0.5) -> bytes:
    """Return the masks of a disc that moves."""
    from gaitproof.pose.formats import silhouette_npz
    from gaitproof.types import SilhouetteSequence

    rows, columns = np.mgrid[:64, :44]
    times = np.arange(int(30 * seconds)) / 30
    masks = np.stack([(rows - 32) ** 2 + (columns - 22 - np.sin(9 * t)) ** 2 < 300 for t in times])
    return silhouette_npz.to_bytes(SilhouetteSequence.from_masks(times, masks))


def mask_data(form: str) -> Files:
    """Return the masks of a walker as an archive, as images or as a pickle."""
    from PIL import Image

    from gaitproof.pose.formats import silhouette_npz

    bits = silhouette_npz.from_bytes(silhouettes(1.5)).bits
    masks = 255 * np.unpackbits(bits, axis=1).reshape(-1, 64, 44)
    buffer = io.BytesIO()
    if form == "pickles":
        return {"001/nm-01/090/090.pkl": pickle.dumps(masks[:10], protocol=4)}
    if form == "images":

        def write(folder: Path) -> None:
            place = folder / "001/nm-01/090"
            place.mkdir(parents=True)
            for number, mask in enumerate(masks[:10]):
                Image.fromarray(mask).save(place / f"{number:03d}.png")

        return made(write)
    labels = {name: ["x"] for name in ("subject", "sequence", "condition", "view")}
    sizes = {"fps": [30.0], "offsets": [0, len(bits)], "shape": [64, 44]}
    np.savez(buffer, bits=bits, **labels, **sizes)
    return {"x.npz": buffer.getvalue()}


def directions() -> Files:
    """Return the mapped directions of three templates."""
    from gaitproof.verify.directions import Directions

    row = np.dtype([("id", np.int64), ("uid", np.uint64), ("vector", np.float32, (8,))])
    table = np.zeros(3, row)
    return made(lambda folder: Directions(table).write(folder / "x.npy", cells=False))


def pose_cache() -> Files:
    """Return a finished extraction of two tracks with their masks."""
    from gaitproof.pose.cache import Entry, PoseCache
    from gaitproof.pose.formats import silhouette_npz

    tracks = (walk(1, seconds=0.5), walk(2, seconds=0.5))
    masks = (silhouette_npz.from_bytes(silhouettes()),) * 2
    return made(lambda folder: PoseCache(folder).save("ab" * 32, Entry(tracks, masks)))


def trial_store() -> Files:
    """Return a finished experiment."""
    from gaitproof.evaluate.trials import Trials
    from gaitproof.modelling.store import Finished, TrialStore

    names = dict.fromkeys(("probe", "claimed", "recording", "source"), np.array(["a", "b"]))
    trials = Trials(
        scores=np.array([0.9, 0.1]),
        mated=np.array([True, True]),
        kind=np.array(["mated", "mated"]),
        fold=np.zeros(2, np.int64),
        **names,
    )

    def write(folder: Path) -> None:
        TrialStore(folder).save("x", "key", Finished({"clip": trials}, {"a": 1}))

    return made(write)


def checkpoint() -> bytes:
    """Return a checkpoint of a network of one number."""
    import torch
    from safetensors.torch import save

    one = torch.ones(3)
    tensors = {f"{part}/bias": one.clone() for part in ("weights", "best")} | {
        "optimiser/0/exp_avg": one.clone(),
        "losses": torch.zeros(4, dtype=torch.float64),
    }
    group = {"lr": 0.1, "betas": [0.9, 0.99], "params": [0]}
    rest = {
        "identity": {"recipe": "r", "data": "d"},
        "step": 4,
        "validation": [[2, 0.5]],
        "best_loss": 0.5,
        "without_progress": 0,
        "stopped": False,
        "param_groups": [group],
        "schedule": {},
        "scaler": {},
    }
    return save(tensors, {"gaitproof": json.dumps(rest)})
