from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gaitproof.errors import ConfigError, DependencyError
from gaitproof.media.decode import read_frames
from gaitproof.media.info import inspect_video
from gaitproof.pose.formats.npz import load_npz
from gaitproof.synth.clips import Clip, render_walk
from gaitproof.synth.frames import clean_frames
from gaitproof.synth.raster import require_renderer
from gaitproof.synth.scene import draw_scene
from gaitproof.synth.take import prepare
from gaitproof.synth.walker import Walker
from gaitproof.types import Landmark

from .conftest import SECONDS, TINY

pytestmark = pytest.mark.slow


def test_the_video_and_the_truth_fit_together(tiny_clip: Clip) -> None:
    video = inspect_video(tiny_clip.video)
    assert (video.width, video.height) == TINY
    assert video.frame_rate == pytest.approx(30, abs=0.1)
    frames = list(read_frames(tiny_clip.video))
    truth = load_npz(tiny_clip.truth)
    assert len(frames) == len(truth.timestamps) == round(SECONDS * 30)
    np.testing.assert_allclose([f.time for f in frames], truth.timestamps, atol=1e-3)
    assert truth.image is not None
    assert truth.world is not None
    assert truth.frame_size == TINY
    assert (truth.visibility == 1).all()


def test_world_and_image_truth_agree(tiny_clip: Clip) -> None:
    truth = tiny_clip.pose
    assert truth.image is not None
    assert truth.world is not None
    world = truth.world.astype(float)
    ray = world[..., :2] / -world[..., 2:] * [1, -1]
    centred = truth.image - np.array(TINY) / 2
    focal = np.median(centred / ray)
    np.testing.assert_allclose(centred, ray * focal, atol=0.01)
    # the person faces the camera: their left is on the right of the frame
    assert (
        truth.image[:, Landmark.LEFT_SHOULDER, 0] > truth.image[:, Landmark.RIGHT_SHOULDER, 0]
    ).all()


def test_the_body_is_where_the_truth_says() -> None:
    take = prepare(Walker.random(2), view=30, seed=4, seconds=0.1, size=(320, 180))
    background = draw_scene(take.scene, take.staging.camera).astype(int)
    image = take.truth().image
    assert image is not None
    picture, mask = next(clean_frames(take, take.walker.head))
    changed = np.abs(picture.astype(int) - background).max(axis=2) > 12
    x, y = image[0].round().astype(int).T
    on_body = [changed[v - 2 : v + 3, u - 2 : u + 3].any() for u, v in zip(x, y, strict=True)]
    assert np.mean(on_body) > 0.9
    nose = image[0, Landmark.NOSE].round().astype(int)
    assert mask[nose[1], nose[0]] == 255
    rows = np.flatnonzero(mask.any(axis=1))
    assert rows[-1] < image[0, Landmark.LEFT_HIP, 1]
    # far from the person nothing changes
    left, right = x.min() - 60, x.max() + 60
    outside = np.ones(changed.shape[1], bool)
    outside[max(0, left) : right] = False
    assert not changed[:, outside].any()


def test_the_same_seed_gives_the_same_walk(tiny_clip: Clip, tmp_path: Path) -> None:
    def render(seed: int) -> Clip:
        out = tmp_path / f"{seed}.mp4"
        return render_walk(
            Walker.random(2), view=45, seed=seed, out=out, seconds=SECONDS, size=TINY
        )

    def frames(clip: Clip) -> NDArray[np.int_]:
        return np.stack([frame.image for frame in read_frames(clip.video)]).astype(int)

    again, another = render(4), render(5)
    assert again.truth.read_bytes() == tiny_clip.truth.read_bytes()
    assert another.truth.read_bytes() != tiny_clip.truth.read_bytes()
    # neither the software renderer nor the encoder promises every bit on a busy machine
    first = frames(tiny_clip)
    same, other = (np.abs(frames(clip) - first).mean((1, 2, 3)) for clip in (again, another))
    assert np.median(same) < 0.5
    assert other.min() > 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (161, 96)}, "frame size"),
        ({"size": (32, 32)}, "frame size"),
        ({"view": 500.0}, "view"),
        ({"view": float("nan")}, "view"),
        ({"seed": -1}, "seed"),
        ({"seconds": 0.0}, "length"),
    ],
)
def test_wrong_parameters_leave_nothing_behind(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    options: dict[str, object] = {"view": 45.0, "seed": 1, "seconds": 0.2, "size": TINY}
    with pytest.raises(ConfigError, match=message):
        render_walk(Walker.random(0), out=tmp_path / "x.mp4", **{**options, **change})  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_missing_renderer_is_one_sentence_with_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "vtkmodules.vtkRenderingOpenGL2", None)
    with pytest.raises(DependencyError) as caught:
        require_renderer()
    assert "install" in str(caught.value)


def test_a_missing_driver_is_found_before_it_crashes(tmp_path: Path) -> None:
    script = (
        "from gaitproof.errors import DependencyError\n"
        "from gaitproof.synth.raster import require_context\n"
        "try:\n    require_context()\nexcept DependencyError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "__EGL_VENDOR_LIBRARY_DIRS": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "apt-get install -y libegl1" in result.stdout
