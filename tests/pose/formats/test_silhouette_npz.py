import io
import json
import zipfile

import numpy as np
import pytest

from gaitproof.errors import PoseError
from gaitproof.pose.formats import silhouette_npz as formats
from gaitproof.types import SilhouetteSequence
from gaitproof.types.silhouette import FRAME_FIGURES


def make(frames=5):
    rng = np.random.default_rng(0)
    masks = rng.random((frames, 64, 44)) > 0.5
    masks[frames // 2 :][:1] = False
    return SilhouetteSequence.from_masks(
        np.cumsum(rng.uniform(0.01, 0.1, frames)),
        masks,
        height=rng.uniform(60, 90, frames),
        corner=rng.normal(size=(frames, 2)),
        cut=rng.uniform(size=frames),
        estimator="test-1/ä",
        source_sha256="ab" * 32,
    )


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_round_trip_keeps_every_bit(tmp_path, frames):
    sequence = make(frames)
    formats.save_silhouettes(tmp_path / "a.npz", sequence)
    back = formats.load_silhouettes(tmp_path / "a.npz")
    for name in ("timestamps", "bits", *FRAME_FIGURES):
        np.testing.assert_array_equal(getattr(sequence, name), getattr(back, name))
    assert (back.estimator, back.source_sha256) == (sequence.estimator, sequence.source_sha256)


def rewrite(change):
    with np.load(io.BytesIO(formats.to_bytes(make()))) as data:
        arrays = dict(data)
    buffer = io.BytesIO()
    np.savez(buffer, **change(arrays))
    return buffer.getvalue()


def with_meta(**changes):
    def change(arrays):
        meta = json.loads(arrays["meta"].tobytes()) | changes
        return arrays | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}

    return rewrite(change)


def claiming(shape):
    """A file whose bits claim a shape that they do not have."""
    source = io.BytesIO(formats.to_bytes(make()))
    target = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "bits.npy":
                body = body.replace(b"(5, 352)", shape.ljust(8))
            new.writestr(name, body)
    return target.getvalue()


HOSTILE = {
    "empty": b"",
    "truncated": formats.to_bytes(make())[:-200],
    "no meta": rewrite(lambda a: {k: v for k, v in a.items() if k != "meta"}),
    "no bits": rewrite(lambda a: {k: v for k, v in a.items() if k != "bits"}),
    "pickled object": rewrite(lambda a: a | {"bits": np.array([{"a": 1}], dtype=object)}),
    "float64 height": rewrite(lambda a: a | {"height": a["height"].astype("f8")}),
    "fewer frames": rewrite(lambda a: a | {"cut": a["cut"][1:]}),
    "time backwards": rewrite(lambda a: a | {"timestamps": a["timestamps"][::-1]}),
    "pose file": with_meta(format="gaitproof-pose"),
    "later version": with_meta(version=2),
    "estimator a list": with_meta(estimator=[]),
    "digest a number": with_meta(source_sha256=3),
    "more bits than there are": claiming(b"(9, 352)"),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_silhouette_file_is_refused(data):
    with pytest.raises(PoseError):
        formats.from_bytes(data)
