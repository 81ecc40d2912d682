"""The film keeps the original's times and shows importance at the joints."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import ScriptedEncoder
from synthetic_importance import make_importance
from walking import make_walk

from gaitproof.errors import MediaError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.report.film import FILM_WIDTHS, write_film
from gaitproof.types import GAIT_LANDMARKS, Decision, Landmark, QualityReport, Verdict

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def verdict():
    point = ScriptedEncoder().card.operating_point
    return Verdict(
        decision=Decision.AUTHENTIC,
        claim="Zoë $1",
        reason="",
        similarity=0.8,
        log10_lr=1.0,
        log10_lr_bound=1.9,
        threshold=point.threshold,
        fmr=point.fmr,
        fnmr=point.fnmr,
        quality=QualityReport(usable=True),
        model_id="m",
        template_id="t",
        template_recordings=1,
        source="x",
        source_sha256="0" * 64,
        software="s",
        seconds=1.0,
    )


def make_video(path, times, size):
    with VideoWriter(path, 30, size, timed=True) as writer:
        for time in times:
            writer.write(np.full((size[1], size[0], 3), 60, np.uint8), time)


def placed(times, size):
    """A walk whose image coordinates lie inside the frame."""
    walk = make_walk(times=times)
    image = np.array(walk.image)
    image -= image[:, [Landmark.LEFT_HIP]]
    scale = size[1] / 400
    image = image * scale + np.array(size) / 2
    return type(walk)(
        timestamps=walk.timestamps,
        image=image,
        world=walk.world,
        visibility=walk.visibility,
        frame_size=size,
    )


@pytest.mark.parametrize("size", [(160, 120), (1600, 900), (90, 160)])
def test_film_keeps_times_and_marks_the_important_joint(tmp_path, verdict, size):
    times = np.cumsum(np.r_[0, np.tile([0.03, 0.05], 5)]).round(3)
    make_video(tmp_path / "v.mp4", times, size)
    walk = placed(times[2:], size)  # the person comes later
    joints = dict.fromkeys(GAIT_LANDMARKS, 0.0) | {Landmark.LEFT_SHOULDER: 0.2}
    out = tmp_path / "f.mp4"
    write_film(tmp_path / "v.mp4", [walk], make_importance(joints=joints), verdict, out)
    before, after = list(read_frames(tmp_path / "v.mp4")), list(read_frames(out))
    assert [f.time for f in after] == pytest.approx([f.time for f in before], abs=1e-3)
    width = after[0].image.shape[1]
    assert FILM_WIDTHS[0] <= width <= FILM_WIDTHS[1]
    bar = round(width * 0.05) * 2
    scale = width / size[0]
    x, y = (walk.image[3, Landmark.LEFT_SHOULDER] * scale).astype(int)
    colour = after[5].image[bar + y, x].astype(int)
    assert colour[2] > colour[0] + 60  # blue
    plain = after[0].image[bar + y, x].astype(int)
    assert np.ptp(plain) < 20  # nobody is there yet
    footer = after[5].image[bar + round(size[1] * scale) :]
    assert (footer > 230).mean() > 0.3


def test_the_hand_moves_along_the_strip(tmp_path, verdict):
    times = np.arange(0, 4, 0.5)
    make_video(tmp_path / "v.mp4", times, (640, 360))
    walk = placed(times, (640, 360))
    write_film(tmp_path / "v.mp4", [walk], make_importance(), verdict, tmp_path / "f.mp4")
    dark = []
    for frame in list(read_frames(tmp_path / "f.mp4"))[1:7]:
        line = frame.image[-(74 - round(0.35 * 74)), 12:628].astype(int).sum(axis=1)
        dark.append(int(np.argmin(line)))
    assert dark == sorted(set(dark))


def test_a_video_that_cannot_be_read_leaves_no_film(tmp_path, verdict):
    (tmp_path / "v.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(MediaError):
        write_film(
            tmp_path / "v.mp4", [make_walk()], make_importance(), verdict, tmp_path / "f.mp4"
        )
    assert not (tmp_path / "f.mp4").exists()
