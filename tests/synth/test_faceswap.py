from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.synth.clips import Clip, blend, soft_mask, swap_face, swapped_frames
from gaitproof.synth.frames import clean_frames
from gaitproof.synth.take import prepare
from gaitproof.synth.walker import Walker

from .conftest import SECONDS, TINY


def unlike(walker: Walker) -> Walker:
    """Return somebody whose skin has quite another tone."""
    return max(
        (Walker.random(seed) for seed in range(30)),
        key=lambda other: abs(other.head.skin[1] - walker.head.skin[1]),
    )


def pictures(path: Path) -> np.ndarray:
    return np.stack([frame.image for frame in read_frames(path)]).astype(int)


@pytest.mark.slow
def test_only_the_head_changes_before_compression() -> None:
    walker, face = Walker.random(2), Walker.random(11)
    take = prepare(walker, view=30, seed=4, seconds=0.1, size=(320, 180))
    originals = [picture for picture, _ in clean_frames(take, walker.head)]
    masks = [mask for _, mask in clean_frames(take, walker.head)]
    swapped = list(swapped_frames(originals, take, face.head))
    truth = take.truth().image
    assert truth is not None
    for original, picture, mask, joints in zip(originals, swapped, masks, truth, strict=True):
        changed = (original != picture).any(axis=2)
        assert changed[mask > 0].mean() > 0.3
        rows = np.flatnonzero(changed.any(axis=1))
        tall = joints[29, 1] - joints[0, 1]
        # long hair may fall on the shoulders; chest, arms and legs stay untouched
        assert rows[-1] < joints[0, 1] + 0.22 * tall
        columns = np.flatnonzero(changed.any(axis=0))
        assert np.ptp(columns) < 0.3 * tall


def test_a_mask_is_one_inside_and_zero_outside() -> None:
    head = np.zeros((60, 60), np.uint8)
    head[20:40, 20:40] = 255
    share = soft_mask(head)
    assert (share[20:40, 20:40] == 1).all()
    assert share[:10].max() == 0
    assert ((share > 0) & (share < 1)).any()
    assert not soft_mask(np.zeros_like(head)).any()


def test_blending_keeps_pixels_outside_exactly() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(2))
    share = np.zeros((8, 8), np.float32)
    share[2:4] = 1
    share[5] = 0.5
    mixed = blend(a, b, share)
    np.testing.assert_array_equal(mixed[[0, 1, 4, 6, 7]], a[[0, 1, 4, 6, 7]])
    np.testing.assert_array_equal(mixed[2:4], b[2:4])
    assert np.abs(mixed[5].astype(float) - (a[5].astype(float) + b[5]) / 2).max() <= 0.5


@pytest.mark.slow
def test_a_finished_video_is_swapped_and_controls_change_less(
    tiny_clip: Clip, tmp_path: Path
) -> None:
    walker = Walker.random(2)
    face = unlike(walker)

    def swap(who: Walker, name: str) -> Clip:
        return swap_face(
            tiny_clip.video,
            walker,
            who,
            view=45,
            seed=4,
            seconds=SECONDS,
            size=TINY,
            out=tmp_path / name,
        )

    fake = swap(face, "fake.mp4")
    swap(walker, "same.mp4")
    assert fake.truth.read_bytes() == tiny_clip.truth.read_bytes()
    original = pictures(tiny_clip.video)
    image = tiny_clip.pose.image
    assert image is not None
    x, y = image[:, 0].mean(axis=0).round().astype(int)
    head = (slice(None), slice(y - 5, y + 5), slice(x - 5, x + 5))
    change = {
        name: np.abs(pictures(tmp_path / name) - original) for name in ("fake.mp4", "same.mp4")
    }
    assert change["fake.mp4"][head].mean() > 1.7 * change["same.mp4"][head].mean()
    # the legs differ by compression only
    legs = (slice(None), slice(int(image[:, 25, 1].min()), None))
    assert change["fake.mp4"][legs].mean() < 4


@pytest.mark.slow
def test_a_video_of_another_length_is_refused(tiny_clip: Clip, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the walk"):
        swap_face(
            tiny_clip.video,
            Walker.random(2),
            Walker.random(11),
            view=45,
            seed=4,
            seconds=0.2,
            size=TINY,
            out=tmp_path / "x.mp4",
        )
    assert not list(tmp_path.iterdir())
