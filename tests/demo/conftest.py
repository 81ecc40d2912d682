"""A demo whose filming, poses and decisions are scripted; everything around them is real."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from gaitproof.demo.plan import NOBODY
from gaitproof.demo.run import clip_file
from gaitproof.errors import GalleryError
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import inspect_video
from gaitproof.pose.extract import Extraction
from gaitproof.types import PoseSequence


@pytest.fixture(scope="module")
def film_grey(tmp_path_factory):
    """Film every clip alike: one is encoded, the others are its copies."""
    grey = tmp_path_factory.mktemp("film") / "grey.mp4"
    with VideoWriter(grey, 25, (160, 120)) as video:
        for _ in range(5):
            video.write(np.full((120, 160, 3), 120, np.uint8))

    def film(clips, folder: Path, progress) -> None:
        (folder / "clips").mkdir()
        for done, clip in enumerate(clips, start=1):
            shutil.copy(grey, folder / clip_file(clip))
            progress("film", done, len(clips))

    return film


def scripted_poses(path, *_, **__) -> Extraction:
    points = np.random.default_rng(0).uniform(10, 110, (5, 33, 2)).astype(np.float32)
    track = PoseSequence(np.arange(5) / 25, points, None, np.ones((5, 33), np.float32), (160, 120))
    return Extraction(inspect_video(path), (track,))


class ScriptedVerifier:
    """Decides as it is told; knows who was enrolled."""

    def __init__(self, gallery, extractor, make_verdict, answers) -> None:
        Path(gallery).write_text("a gallery")
        self.extractor = extractor
        self.make_verdict = make_verdict
        self.answers = answers
        self.enrolled: dict[str, list[Path]] = {}

    def enroll(self, name, videos):
        for video in videos:
            self.extractor(video)
        self.enrolled[name] = videos

    def verify(self, video, *, claim):
        if claim not in self.enrolled and claim != self.answers.get(NOBODY):
            raise GalleryError(f"{claim!r} is not enrolled.")
        self.extractor(video)
        return self.make_verdict(
            self.answers[Path(video).stem], claim=claim, source=str(video), seconds=1.23456
        )


@pytest.fixture
def scripted(make_verdict, film_grey):
    """Arguments of `run_demo` that script it; `answers` by clip name."""

    def make(answers):
        def open_verifier(gallery, *, extractor):
            return ScriptedVerifier(gallery, extractor, make_verdict, answers)

        return {
            "film_clips": film_grey,
            "extractor": scripted_poses,
            "open_verifier": open_verifier,
        }

    return make
