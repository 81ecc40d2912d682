"""Small files that ask for much memory or time are refused before they get it.

Each is read in a process of its own whose memory is limited, and which says how much it took.
"""

import io
import json
import struct
import sys
import zipfile
import zlib

import numpy as np
import pytest
from prefork import Prefork
from walking import make_walk

from gaitproof.pose.formats import save_c3d

pytestmark = pytest.mark.slow

PEAK = 400 * 2**20
"""Most memory that reading any of them may take."""

CHILD = """
import resource, sys
{imports}
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from pathlib import Path
from gaitproof.errors import GaitproofError
def peak():  # of this process alone: what getrusage says begins with the parent's
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
before = peak()
path = Path(sys.argv[1])
try:
    {call}
except GaitproofError as error:
    assert str(error).isprintable() and len(str(error)) < 2000
    print(type(error).__name__, peak() - before, str(error), sep="|")
"""


def _deflate(head, zeros):
    """Return deflated `head` and a number of zeros (whole MiB), and the checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    check, piece = zlib.crc32(head), bytes(2**20)
    again = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(zeros // 2**20):
        check = zlib.crc32(piece, check)
    return packed + again * (zeros // 2**20) + packer.flush(), check


def _archive(path, members):
    """Write a ZIP of members (name, head, zeros) by hand: zipfile would deflate for minutes."""
    local, central = b"", b""
    for name, head, zeros in members:
        packed, check = _deflate(head, zeros)
        fields = struct.pack(
            "<HHHHHIIIHH", 20, 0, 8, 0, 0, check, len(packed), len(head) + zeros, len(name), 0
        )
        place = len(local)
        local += b"PK\x03\x04" + fields + name.encode() + packed
        central += b"PK\x01\x02" + struct.pack("<H", 20) + fields
        central += struct.pack("<HHHII", 0, 0, 0, 0, place) + name.encode()
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(central), len(local), 0)
    path.write_bytes(local + central + b"PK\x05\x06" + end)


def _header(shape, dtype):
    buffer = io.BytesIO()
    facts = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


def pose_arrays(path):
    """Five arrays, none of them larger than one may be."""
    size = 150 * 2**20
    names = ("timestamps", "visibility", "image", "world", "camera_motion")
    _archive(path, [(f"{n}.npy", _header((size // 4,), "<f4"), size) for n in names])


def skeleton_arrays(path):
    size = 250 * 2**20
    names = ("xyz", "offsets", "subject")
    _archive(path, [(f"{n}.npy", _header((size,), "|u1"), size) for n in names])


def narrow_skeletons(path):
    """Few bytes a frame, each of which becomes a kilobyte."""
    marks = [f"{s}_{p}" for s in ("left", "right") for p in ("hip", "knee", "ankle", "shoulder")]
    frames = 1_100_000
    np.savez_compressed(
        path,
        xyz=np.zeros((frames, len(marks), 3), np.int8),
        offsets=np.array([0, frames]),
        joints=np.array(marks),
        landmark12=np.array(json.dumps({m: m for m in marks})),
        fps=np.array([30.0]),
        **{k: np.array(["a"]) for k in ("subject", "sequence", "condition", "view")},
    )


def cache_entry(path):
    _archive(path, [(f"{i}.npz", b"PK", 150 * 2**20) for i in range(4)])


def no_width(path):
    """A text of no characters, a thousand million times."""
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("subject.npy", _header((10**9,), "<U0"))


def encoding_pickle(path):
    """One text, and two hundred calls that make bytes of it."""
    text = b"a" * 20_000_000
    head = b"\x80\x04\x8c\x07_codecs\x8c\x06encode\x93\x94"
    head += b"X" + struct.pack("<I", len(text)) + text + b"\x94\x8c\x06latin1\x94"
    path.write_bytes(head + b"h\x00h\x01h\x02\x86R" * 200 + b".")


def wide_json(path):
    path.write_text('{"frames": [' + "{}," * 10_000_000 + "{}]}")


def long_json(path):
    frames = '{"timestamp":0},' * 3_000_000
    path.write_text('{"format": "mediapipe-pose", "version": 1, "frames": [' + frames[:-1] + "]}")


def deep_json(path):
    path.write_text("[" * 1_000_000)


def digits_json(path):
    path.write_text('{"people": ' + "9" * 1_000_000 + "}")


def aliases_yaml(path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 25)]
    path.write_text("\n".join([*lines, "media: *a24", "pose: *a24"]))


def merges_yaml(path):
    lines = ["a0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(50)) + "}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 50)}]}}" for i in range(1, 8)]
    path.write_text("\n".join(lines))


def sixties_yaml(path):
    path.write_text("quality: 1" + ":59" * 80_000)


def wide_csv(path):
    marks = ["nose", "left_eye_inner"]
    head = "timestamp,width,height," + ",".join(f"{m}_{a}" for m in marks for a in "xy")
    path.write_text(head + "\n" + "0,1,1,0,0,0,0\n" * 600_000)


def ragged_csv(path):
    path.write_text("timestamp\n" + "," * 5_000_000)


def long_trc(path):
    rows = "".join(f"{i}\t{i}\t0\t0\t0\n" for i in range(500_000))
    head = "PathFileType\t4\nDataRate\tNumFrames\tNumMarkers\tUnits\n"
    path.write_text(head + f"30\t500000\t1\tmm\nFrame#\tTime\tLKnee\n\t\tX1\n{rows}")


def lines_trc(path):
    path.write_text("ab\n" * 1_000_000)


def wide_bvh(path):
    """A thousand joints that never move, in frames of one number."""
    ends = "".join(f"JOINT j{i} {{ OFFSET 0 0 0 CHANNELS 0 }}\n" for i in range(900))
    head = f"HIERARCHY ROOT r {{ OFFSET 0 0 0 CHANNELS 1 Xposition {ends} }}\n"
    frames = 30_000
    path.write_text(f"{head}MOTION\nFrames: {frames}\nFrame Time: 0.01\n" + "0\n" * frames)


def words_bvh(path):
    path.write_text("HIERARCHY " + "ab " * 1_000_000 + "MOTION")


def frames_amc(path):
    path.with_suffix(".asf").write_text(
        ":units\n angle deg\n:root\n order TX\n axis XYZ\n position 0 0 0\n orientation 0 0 0\n"
        ":bonedata\n begin\n name a\n direction 1 0 0\n length 1\n axis 0 0 0\n end\n"
        ":hierarchy\n begin\n root a\n end\n"
    )
    path.write_text("".join(f"{i}\nroot 0\n" for i in range(500_000)))


def names_c3d(path):
    """The dimensions promise sixteen million names of no length."""
    save_c3d(path, make_walk(1))
    data = bytearray(path.read_bytes())
    place = data.index(b"LABELS") + len(b"LABELS") + 3
    data[place : place + 5] = bytes([4, 0, 255, 255, 255])
    path.write_bytes(data)


def tensors_header(path):
    entry = b'"%07d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
    header = b"{" + b"".join(entry % i for i in range(320_000))[:-1] + b"}"
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def image(path):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    row = zlib.compress(bytes(90001))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b"")
    )


def store(path):
    path.mkdir()
    settings = {"detector": "d", "frames": 6}
    (path / "store.json").write_text(json.dumps(settings))
    from gaitproof.data.face.clips import FaceClip, Label
    from gaitproof.data.face.store import COLUMNS, clip_id

    clip = FaceClip(path="a.mp4", label=Label.REAL, keys=("a",), manipulation="original", split="")
    row = f'{clip_id(clip)},a.mp4,real,original,,"[""a""]",999999999,{"0" * 64}'
    (path / "index.csv").write_text(",".join(COLUMNS) + f"\n{row}\n")


POSE = ("from gaitproof.pose.formats import load_pose", "load_pose(path)")
WALKS = (
    "from gaitproof.data.gait.load import load_recordings",
    "load_recordings(path, 'x')",
)
SETTINGS = ("from gaitproof.config import VerifySettings", "VerifySettings.load(path)")
TENSORS = (
    "from gaitproof.train.estimator_error import EstimatorError",
    "EstimatorError.load(path)",
)

BOMBS = {
    "arrays.npz": (pose_arrays, *POSE),
    "skeletons.npz": (skeleton_arrays, *WALKS),
    "narrow.npz": (narrow_skeletons, *WALKS),
    "no-width.npz": (no_width, *WALKS),
    "entry.zip": (
        cache_entry,
        "from gaitproof.pose.cache import _ENTRY, npz, read_members",
        "read_members(path, _ENTRY, npz.MAX_TOTAL)",
    ),
    "a.pkl": (
        encoding_pickle,
        "from gaitproof.data.gait.safe_pickle import load_array",
        "load_array(path)",
    ),
    "wide.json": (wide_json, *POSE),
    "long.json": (long_json, *POSE),
    "deep.json": (deep_json, *POSE),
    "digits.json": (digits_json, *POSE),
    "aliases.yaml": (aliases_yaml, *SETTINGS),
    "merges.yaml": (merges_yaml, *SETTINGS),
    "sixties.yaml": (sixties_yaml, *SETTINGS),
    "wide.csv": (wide_csv, *POSE),
    "ragged.csv": (ragged_csv, *POSE),
    "long.trc": (long_trc, *POSE),
    "lines.trc": (lines_trc, *POSE),
    "wide.bvh": (wide_bvh, *POSE),
    "words.bvh": (words_bvh, *POSE),
    "07_01.amc": (frames_amc, *WALKS),
    "names.c3d": (names_c3d, *POSE),
    "tensors.safetensors": (tensors_header, *TENSORS),
    "image.png": (image, "from gaitproof.media.decode import read_still", "read_still(path)"),
    "store": (
        store,
        "from gaitproof.data.face.store import FaceStore",
        "FaceStore.open(path)",
    ),
}

REASONS = {
    "arrays.npz": "when unpacked",
    "skeletons.npz": "when unpacked",
    "narrow.npz": "1100000 frames",
    "no-width.npz": "<U0",
    "entry.zip": "when unpacked",
    "a.pkl": "it makes more than",
    "wide.json": "GiB of values",
    "long.json": "GiB of values",
    "deep.json": "too deeply nested",
    "digits.json": "an integer of 1000000 digits",
    "aliases.yaml": "aliases",
    "merges.yaml": "aliases",
    "sixties.yaml": "a number of 240001 digits",
    "wide.csv": "more than 432001 rows",
    "ragged.csv": "a line of more than",
    "long.trc": "more than 432000 lines",
    "lines.trc": "more than 432000 lines",
    "wide.bvh": "30000 frames of 901 joints",
    "words.bvh": "the skeleton is too large",
    "07_01.amc": "more than 432000 frames",
    "names.c3d": "16581375 names",
    "tensors.safetensors": "a header of",
    "image.png": "no image that can be read",
    "store": "'999999999' images",
}


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    imports = {imports for _, imports, _ in BOMBS.values()}
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = ":".join(sys.path)
    with Prefork("\n".join(imports), tmp_path_factory.mktemp("said"), env=environment) as prefork:
        yield prefork


@pytest.mark.parametrize("name", BOMBS)
def test_it_is_refused_in_bounded_memory_and_time(forks, tmp_path, name):
    make, imports, call = BOMBS[name]
    path = tmp_path / name
    make(path)
    done = forks.run(CHILD.format(imports=imports, call=call), str(path))
    assert done.returncode == 0, done.stderr[-2000:]
    error, peak, message = done.stdout.split("|", 2)
    assert error in {"PoseError", "InputError", "ConfigError", "MediaError", "ModelError"}
    assert REASONS[name] in message
    assert int(peak) * 1024 < PEAK
