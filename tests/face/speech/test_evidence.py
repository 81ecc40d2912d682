"""What a scan says of lips and sound."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scripted_faces import ScriptedDetector, face_at
from synthetic_talk import GreyMeshDetector, write_talk
from tiny_face_model import make_weights, write_model

from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import ScanSettings, scan_video
from gaitproof.face.speech import model
from gaitproof.face.speech.evidence import (
    RANDOM_PEAK,
    SpeechAnswer,
    SpeechEvidence,
    SpeechPart,
    examine_speech,
)
from gaitproof.face.speech.model import (
    MOST_SECONDS,
    TalkModel,
    TalkScore,
    Watched,
    choose_span,
    place_at,
)
from gaitproof.face.speech.sequences import cut_face
from gaitproof.face.types import FaceTrack
from gaitproof.report.face.write import write_scan


def track(*times, at=80.0):
    return FaceTrack(
        times, tuple(face_at(at + i, at, 96) for i in range(len(times))), tuple(range(len(times)))
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("late", "answer"),
    [(0.0, SpeechAnswer.IN_STEP), (0.6, SpeechAnswer.APART), (-0.5, SpeechAnswer.APART)],
)
def test_shifted_sound_is_told_with_its_offset(tmp_path, late, answer):
    clip = write_talk(tmp_path / "a.mp4", late=late)
    evidence = examine_speech(clip, track(0.0, 4.9), GreyMeshDetector())
    assert evidence.answer is answer
    assert evidence.whole.offset == pytest.approx(late, abs=0.1)
    assert evidence.speech > 2
    assert len(evidence.parts) == 1
    assert evidence.steady == 1
    assert ("late" in evidence.sentence) == (evidence.whole.offset > 0)


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ({"sound": False}, SpeechAnswer.NO_SOUND),
        ({"shown": lambda time: time < 0.5}, SpeechAnswer.NO_LIPS),
        ({"shown": lambda time: False}, SpeechAnswer.NO_LIPS),
    ],
)
def test_why_nothing_is_compared_is_said(tmp_path, how, answer):
    clip = write_talk(tmp_path / "a.mp4", 3.0, **how)
    evidence = examine_speech(clip, track(0.0, 2.9), GreyMeshDetector())
    assert evidence.answer is answer
    assert evidence.whole is None
    assert evidence.reason in evidence.sentence


class QuarterModel(TalkModel):
    """Gives every window of one second the same score."""

    def __init__(self):
        self.card, self.frames, self.rate = SimpleNamespace(model_id="quarter"), 12, 12.0

    def score(self, talk):
        assert talk.faces.shape == (12, 32, 32)
        assert talk.lips.shape == (12, 24, 24)
        return TalkScore(0.25, np.full(12, 0.25))


@pytest.mark.slow
def test_faces_are_cut_out_for_a_network_alone(tmp_path, monkeypatch):
    cut = []
    monkeypatch.setattr(model, "cut_face", lambda *given: cut.append(1) or cut_face(*given))
    clip = write_talk(tmp_path / "a.mp4", 3.0)
    alone = examine_speech(clip, track(0.0, 2.9), GreyMeshDetector())
    assert alone.whole is not None
    assert not cut
    both = examine_speech(clip, track(0.0, 2.9), GreyMeshDetector(), model=QuarterModel())
    assert cut
    assert both == replace(alone, model_id="quarter", score=0.25)


def test_what_was_not_cut_out_is_not_scored():
    with pytest.raises(ValueError, match="not cut out"):
        QuarterModel().score_watched(Watched(None), None)


def test_a_detector_without_a_mesh_sees_no_lips(tmp_path):
    clip = write_talk(tmp_path / "a.mp4", 3.0)
    evidence = examine_speech(clip, track(0.0, 2.9), ScriptedDetector())
    assert evidence.answer is SpeechAnswer.NO_LIPS


def test_a_face_seen_only_in_silence_is_told_so(tmp_path):
    clip = write_talk(tmp_path / "a.mp4", 3.0)
    evidence = examine_speech(clip, track(0.0, 0.2), GreyMeshDetector())
    assert evidence.answer is SpeechAnswer.SILENT


def test_damaged_sound_does_not_stop_a_scan(tmp_path, monkeypatch):
    clip = write_talk(tmp_path / "a.mp4", 3.0)
    monkeypatch.setattr("gaitproof.media._sound.SOUND_CODECS", "flac")
    from gaitproof.config import MediaLimits

    evidence = examine_speech(
        clip, track(0.0, 2.9), GreyMeshDetector(), limits=MediaLimits(sandbox=False)
    )
    assert evidence.answer is SpeechAnswer.UNREADABLE
    assert "codec" in evidence.sentence


def test_what_others_reach_by_chance_is_no_answer():
    for strength, answer in ((RANDOM_PEAK - 0.01, "not told"), (RANDOM_PEAK, "in step")):
        part = SpeechPart(0, 4, 0.1, strength, strength)
        assert part.answer.value == answer
    evidence = SpeechEvidence(SpeechAnswer.UNTOLD, whole=SpeechPart(0, 4, 0.1, 0.2, 0.2))
    assert "cannot be determined" in evidence.sentence
    assert evidence.steady is None


def test_of_a_long_video_the_stretch_with_most_speech_is_watched():
    speech = np.zeros(6000, bool)
    speech[3500:4800] = True
    first, last = choose_span(track(0.0, 59.0), speech)
    assert last - first == MOST_SECONDS
    assert first <= 35
    assert last >= 48
    assert choose_span(track(2.0, 9.0), speech) == (2.0, 9.0)


def test_a_face_is_looked_for_between_where_it_was_seen():
    seen = track(1.0, 2.0, at=50.0)
    assert place_at(seen, 1.5).centre[0] == pytest.approx(50.5)
    for time, x in ((0.0, 50), (9.0, 51)):
        assert place_at(seen, time).centre[0] == pytest.approx(x)
    assert place_at(track(1.0), 3.0) is not None


@pytest.mark.slow
def test_a_scan_holds_it_and_its_answer_stays_the_same(tmp_path):
    alignment = AlignmentSettings(size=64, margin=0)
    folder = write_model(tmp_path / "tiny", make_weights(64), alignment=alignment)
    model = FaceForgeryModel.load(folder)
    clip = write_talk(tmp_path / "a.mp4", late=0.6)
    silent, heard = (
        scan_video(clip, model, ScanSettings(sound=sound), detector=GreyMeshDetector())
        for sound in (False, True)
    )
    assert silent.speech is None
    assert heard.speech.answer is SpeechAnswer.APART
    assert heard.decision is silent.decision
    assert [f.score for f in heard.faces] == [f.score for f in silent.faces]
    said = json.loads(json.dumps(heard.to_dict(), allow_nan=False))["speech"]
    assert said["answer"] == "apart"
    assert said["whole"]["offset"] == pytest.approx(0.6, abs=0.1)
    assert said["limits"].startswith("It decides nothing")
    page = write_scan(tmp_path / "out", heard, model)[0].read_text()
    assert "Lips and sound" in page
    assert heard.speech.sentence in page
    assert "Lips and sound" not in write_scan(tmp_path / "no", silent, model)[0].read_text()
