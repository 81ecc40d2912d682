from dataclasses import replace

import pytest
from scripted import FakeVideo, ScriptedEncoder, ScriptedExtractor, walk

from gaitproof.config import VerifySettings
from gaitproof.gait.features import compute_windows
from gaitproof.verify.filming import describe_filming, estimated_of
from gaitproof.verify.probes import Prober


@pytest.mark.parametrize(
    ("estimated", "filmed", "every", "named"),
    [(30, 60, 2, 60), (29.97, 59.94, 2, 60), (25, 50, 2, 50), (30, 120, 4, 120), (30, 30, 1, 30),
     (30, 24.6, 1, 30), (25, 0, 1, 25)],
)  # fmt: skip
def test_frames_left_out_leave_the_camera_as_it_is(estimated, filmed, every, named):
    track = walk(0, seconds=3, frame_rate=estimated)
    assert estimated_of(track, filmed) == every
    filming = describe_filming(track, compute_windows(track), "", filmed)
    assert filming.domain.split("/")[0].endswith(f" at {named}")


@pytest.mark.parametrize(("filmed", "noted"), [(30.0, False), (60.0, True)])
def test_an_answer_says_that_frames_were_left_out(make_video, filmed, noted):
    scripted = ScriptedExtractor()

    def extract(*given, **named):
        extraction = scripted(*given, **named)
        return replace(extraction, video=FakeVideo(extraction.video.sha256, frame_rate=filmed))

    prober = Prober(ScriptedEncoder(), VerifySettings(), None, extract)
    notes = prober.probe(make_video({"person": 0}), "auto").notes
    assert [n for n in notes if n.startswith("One of every 2 frames")] == list(notes)
    assert bool(notes) is noted
