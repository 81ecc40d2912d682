"""Speech of talkers, and clips in which it is heard."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from gaitproof.errors import ConfigError
from gaitproof.face.speech.mel import band_level, log_mel
from gaitproof.media.decode import read_frames
from gaitproof.media.sound import read_sound
from gaitproof.synth.talking.clips import (
    SOUND_FORGERIES,
    TalkSettings,
    film_talker,
    say,
)
from gaitproof.synth.talking.dataset import make_talkers
from gaitproof.synth.talking.person import make_talker
from gaitproof.synth.talking.voice import make_voice, speak

HEARD = TalkSettings(seconds=1.5, frame_rate=10, side=96, sound=True)


def words(name="ann", seed=0, seconds=4.0):
    return speak(make_voice(name), seconds, np.random.default_rng(seed))


def test_a_name_is_a_voice_and_another_is_another():
    assert make_voice("ann") == make_voice("ann")
    assert make_voice("ann") != make_voice("bob") != make_voice("ann", 1)


@pytest.mark.parametrize("name", ["ann", "bob", "cleo"])
def test_what_is_heard_goes_with_the_mouth(name):
    said = words(name)
    assert said.sound.seconds == 4
    assert np.abs(said.sound.samples).max() <= 1
    assert (said.opening >= 0).all()
    assert said.opening.max() > 0.3
    level = np.maximum(band_level(said.sound), -45)
    assert np.corrcoef(said.mouth(np.arange(len(level)) / 100), level)[0, 1] > 0.4


def test_voices_differ_in_pitch_and_sounds_in_their_spectrum():
    said = words()
    bands = log_mel(said.sound)
    assert bands.std(axis=0).mean() > 1
    assert not np.array_equal(said.sound.samples, words(seed=1).sound.samples)
    assert np.array_equal(said.sound.samples, words().sound.samples)


@pytest.mark.slow
@pytest.mark.parametrize("forgery", ["", *SOUND_FORGERIES])
def test_a_clip_is_heard_and_forged_sound_changes_no_picture(tmp_path, forgery):
    ann, bob = make_talker("ann"), make_talker("bob")
    film_talker(ann, tmp_path / "a.mp4", 1, HEARD, forgery, bob)
    film_talker(ann, tmp_path / "b.mp4", 1, HEARD)
    heard, own = read_sound(tmp_path / "a.mp4"), say(ann, 1, HEARD).sound
    one, other = (
        np.stack([f.image for f in read_frames(tmp_path / name)]).astype(int)
        for name in ("a.mp4", "b.mp4")
    )
    assert np.abs(one - other).mean() < 3  # the encoder's threads may choose differently
    level, expected = (band_level(sound)[:140] for sound in (heard, own))
    if not forgery:
        assert np.corrcoef(level, expected)[0, 1] > 0.95
    else:
        assert np.corrcoef(level, expected)[0, 1] < 0.8
    if forgery == "shifted":
        spectra = [np.abs(np.fft.rfft(s.samples[: len(own)])) for s in (heard, own)]
        assert np.corrcoef(*spectra)[0, 1] > 0.8


@pytest.mark.slow
def test_a_data_set_with_sound_has_its_forgeries(tmp_path):
    options = {"people": 2, "takes": 1, "workers": 1}
    silent = TalkSettings(seconds=0.4, frame_rate=5, side=96)
    heard = replace(silent, sound=True)
    table = make_talkers(tmp_path, heard, **options, forgeries=SOUND_FORGERIES)
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert {(row["manipulation"], row["keys"]) for row in rows if "t000" in row["path"]} == {
        ("", "t000"),
        ("exchanged", "t000;t001"),
        ("shifted", "t000"),
    }
    assert read_sound(tmp_path / "t000/00_exchanged.mp4") is not None
    with pytest.raises(ConfigError, match="forgeries"):
        make_talkers(tmp_path / "silent", silent, **options, forgeries=("exchanged",))
    with pytest.raises(ConfigError, match="other settings"):
        make_talkers(tmp_path, silent, **options)


def test_sound_is_forged_only_where_there_is_some(tmp_path):
    silent = TalkSettings(seconds=0.4, frame_rate=5, side=96)
    with pytest.raises(ValueError, match="where there is some"):
        film_talker(make_talker("ann"), tmp_path / "a.mp4", 1, silent, "shifted")
    with pytest.raises(ValueError, match="another voice"):
        film_talker(make_talker("ann"), tmp_path / "a.mp4", 1, HEARD, "exchanged")
