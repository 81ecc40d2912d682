import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from walking import make_walk, without_feet

from gaitproof.errors import PoseError
from gaitproof.pose.formats.npz import VERSION, from_bytes, load_npz, save_npz, to_bytes
from gaitproof.types import PoseSequence


def make(frames=5, *, image=True, world=True, motion=True, seed=0):
    rng = np.random.default_rng(seed)
    return PoseSequence(
        timestamps=np.cumsum(rng.uniform(0.01, 0.1, frames)),
        image=rng.normal(100, 20, (frames, 33, 2)) if image else None,
        world=rng.normal(0, 1, (frames, 33, 3)) if world else None,
        visibility=rng.uniform(0, 1, (frames, 33)),
        frame_size=(640, 360) if image else None,
        estimator="test-1/ä",
        source_sha256="ab" * 32,
        camera_motion=rng.uniform(0, 1, frames) if motion else None,
    )


def assert_same(a, b):
    for name in ("timestamps", "image", "world", "visibility", "camera_motion"):
        left, right = getattr(a, name), getattr(b, name)
        assert (left is None) == (right is None), name
        if left is not None:
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
    assert a.frame_size == b.frame_size
    assert a.estimator == b.estimator
    assert a.source_sha256 == b.source_sha256
    assert a.feet == b.feet


@pytest.mark.parametrize("frames", [0, 1, 40])
@pytest.mark.parametrize(
    ("image", "world", "motion"),
    [(True, True, True), (True, False, True), (False, True, False)],
)
def test_round_trip_keeps_every_bit(tmp_path, frames, image, world, motion):
    sequence = make(frames, image=image, world=world, motion=motion)
    save_npz(tmp_path / "a.npz", sequence)
    assert_same(sequence, load_npz(tmp_path / "a.npz"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_a_source_without_feet_stays_one():
    sequence = without_feet(make_walk(1))
    assert_same(sequence, from_bytes(to_bytes(sequence)))


@settings(max_examples=25, deadline=None)
@given(
    image=hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 4), st.just(33), st.just(2)),
        elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan),
    ),
    estimator=st.text(max_size=20),
)
def test_round_trip_of_any_values(image, estimator):
    sequence = PoseSequence(
        timestamps=np.arange(len(image)) / 30,
        image=image,
        world=None,
        visibility=np.zeros((len(image), 33)),
        frame_size=(1, 10**6),
        estimator=estimator.encode("utf-8", "ignore").decode(),
    )
    assert_same(sequence, from_bytes(to_bytes(sequence)))


def test_same_sequence_gives_same_bytes():
    assert to_bytes(make()) == to_bytes(make())


def test_numpy_reads_it_without_pickle():
    with np.load(io.BytesIO(to_bytes(make())), allow_pickle=False) as data:
        assert json.loads(data["meta"].tobytes())["version"] == VERSION
        assert data["world"].shape == (5, 33, 3)


def rewrite(change):
    """A valid file with its arrays changed by `change` (a dict in, a dict out)."""
    with np.load(io.BytesIO(to_bytes(make()))) as data:
        arrays = {k: data[k] for k in data.files}
    buffer = io.BytesIO()
    np.savez(buffer, **change(arrays))
    return buffer.getvalue()


def with_meta(**changes):
    def change(arrays):
        meta = json.loads(arrays["meta"].tobytes()) | changes
        return arrays | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}

    return rewrite(change)


HOSTILE = {
    "empty": b"",
    "text": b"left knee,right knee\n1,2\n",
    "truncated": to_bytes(make())[:-200],
    "flipped": bytes(b ^ 0x55 if i % 97 == 60 else b for i, b in enumerate(to_bytes(make()))),
    "no meta": rewrite(lambda a: {k: v for k, v in a.items() if k != "meta"}),
    "no time stamps": rewrite(lambda a: {k: v for k, v in a.items() if k != "timestamps"}),
    "no coordinates": rewrite(
        lambda a: {k: v for k, v in a.items() if k not in ("image", "world")}
    ),
    "pickled object": rewrite(lambda a: a | {"world": np.array([{"a": 1}], dtype=object)}),
    "float64 landmarks": rewrite(lambda a: a | {"world": a["world"].astype("f8")}),
    "big-endian": rewrite(lambda a: a | {"world": a["world"].astype(">f4")}),
    "fortran order": rewrite(lambda a: a | {"world": np.asfortranarray(a["world"])}),
    "wrong shape": rewrite(lambda a: a | {"world": a["world"][:, :5]}),
    "lengths differ": rewrite(lambda a: a | {"world": a["world"][:2]}),
    "time runs back": rewrite(lambda a: a | {"timestamps": a["timestamps"][::-1].copy()}),
    "infinite": rewrite(lambda a: a | {"world": a["world"] * np.float32(np.inf)}),
    "meta not json": rewrite(lambda a: a | {"meta": np.frombuffer(b"{no", np.uint8)}),
    "meta a list": rewrite(lambda a: a | {"meta": np.frombuffer(b"[1]", np.uint8)}),
    "meta nested": rewrite(lambda a: a | {"meta": np.frombuffer(b"[" * 100000, np.uint8)}),
    "other version": with_meta(version=VERSION + 1),
    "version missing": with_meta(version=None),
    "other format": with_meta(format="something"),
    "bad frame size": with_meta(frame_size=["a", 2]),
    "negative frame size": with_meta(frame_size=[-1, 2]),
    "bad estimator": with_meta(estimator=3),
    "bad digest": with_meta(source_sha256=[1]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(tmp_path, name):
    path = tmp_path / "a.npz"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(PoseError):
        load_npz(path)


def test_wrong_version_says_both_versions():
    with pytest.raises(PoseError, match=r"version 1.*version 2"):
        from_bytes(with_meta(version=2))


@pytest.mark.parametrize("shape", ["(1000000000000, 33, 3)", "(-5, 33, 3)", "('a',)", "[" * 50])
def test_array_header_that_lies_is_refused_without_allocating(shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    lie = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(396)
    buffer = io.BytesIO(to_bytes(make()))
    out = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            new.writestr(member, lie if member == "world.npy" else old.read(member))
    with pytest.raises(PoseError):
        from_bytes(out.getvalue())


def test_zip_bomb_is_refused_by_its_claimed_size(monkeypatch):
    monkeypatch.setattr("gaitproof.pose.formats.npz.MAX_TOTAL", 10_000)
    big = PoseSequence(
        timestamps=np.arange(1000.0),
        image=None,
        world=np.zeros((1000, 33, 3)),
        visibility=np.zeros((1000, 33)),
    )
    data = to_bytes(big)
    assert len(data) < 50_000
    with pytest.raises(PoseError, match="at most 10000 are read"):
        from_bytes(data)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "no\nsuch.npz", tmp_path):
        with pytest.raises(PoseError) as caught:
            load_npz(path)
        assert "\n" not in str(caught.value)
