"""Data sets whose sound is forged: FakeAVCeleb, LAV-DF, AV-DeepFake1M."""

import json

import pytest
from face_trees import plant

from gaitproof.data.face.clips import Label
from gaitproof.data.face.layouts import read_layout
from gaitproof.data.face.splits import assign_splits, find_leaks
from gaitproof.errors import InputError

HEADER = "source,target1,target2,method,category,type,race,gender,path,"
ROWS = (
    "id00001,-,-,real,A,RealVideo-RealAudio,African,men,a.mp4,FakeAVCeleb",
    "id00001,-,-,rtvc,B,RealVideo-FakeAudio,African,men,b.mp4,FakeAVCeleb",
    "id00001,id00002,-,faceswap-wav2lip,D,FakeVideo-FakeAudio,African,men,c.mp4,FakeAVCeleb",
    "id00003,-,-,real,A,RealVideo-RealAudio,African,men,missing.mp4,FakeAVCeleb",
)


def fake_av_celeb(root, rows=ROWS, header=HEADER):
    plant(root, "meta_data.csv", text="\n".join((header, *rows)) + "\n")
    for kind, name in (
        ("RealVideo-RealAudio", "a"),
        ("RealVideo-FakeAudio", "b"),
        ("FakeVideo-FakeAudio", "c"),
    ):
        plant(root, f"{kind}/African/men/id00001/{name}.mp4")


def lav_df(root, **changes):
    real = {"file": "train/000001.mp4", "original": None, "split": "train"}
    fake = {
        "file": "train/000002.mp4",
        "original": "train/000001.mp4",
        "split": "train",
        "modify_video": True,
        "modify_audio": True,
        "fake_periods": [[1.0, 1.4], [2.0, 2.5]],
    }
    missing = {"file": "test/000009.mp4", "split": "test"}
    dev = {"file": "dev/000005.mp4", "split": "dev", "modify_audio": True, "fake_periods": [[0, 1]]}
    plant(root, "metadata.json", text=json.dumps([real, fake | changes, missing, dev]))
    plant(root, "train/000001.mp4", "train/000002.mp4", "dev/000005.mp4")


def deepfake_1m(root):
    fake = {
        "file": "id00012/x/00001/fake.mp4",
        "original": "id00012/x/00001/real.mp4",
        "modify_type": "both_modified",
        "fake_segments": [[1.1, 1.6]],
    }
    real = {"file": "id00012/x/00001/real.mp4", "modify_type": "real", "fake_segments": []}
    plant(root, "train_metadata.json", text=json.dumps([fake, real]))
    plant(root, "val_metadata.json", text=json.dumps([real | {"file": "id00077/y/real.mp4"}]))
    plant(root, "train/id00012/x/00001/fake.mp4", "train/id00012/x/00001/real.mp4")
    plant(root, "val/id00077/y/real.mp4")


def test_fake_av_celeb_tells_forged_faces_from_forged_voices(tmp_path):
    fake_av_celeb(tmp_path)
    clips = {clip.path.rsplit("/", 1)[1]: clip for clip in read_layout(tmp_path)}
    assert {name: clip.label for name, clip in clips.items()} == {
        "a.mp4": Label.REAL,
        "b.mp4": Label.FAKE,
        "c.mp4": Label.FAKE,
    }
    assert clips["b.mp4"].manipulation == "RealVideo-FakeAudio rtvc"
    assert clips["c.mp4"].keys == ("person id00001", "person id00002")
    assert find_leaks(assign_splits(tuple(clips.values()))) == ()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"header": "path,label"}, "header"),
        ({"rows": ("id1,-,-,x,A,FakeVideo,African,men,a.mp4,",)}, "cannot be read"),
        ({"rows": ("id1,-",)}, "cells"),
    ],
)
def test_a_broken_table_of_fake_av_celeb_is_told(tmp_path, how, message):
    fake_av_celeb(tmp_path, **how)
    with pytest.raises(InputError, match=message):
        read_layout(tmp_path)


def test_lav_df_says_when_something_is_forged(tmp_path):
    lav_df(tmp_path)
    real, fake, dev = sorted(read_layout(tmp_path), key=lambda clip: clip.path[-5])
    assert real.label is Label.REAL
    assert fake.forged == ((1.0, 1.4), (2.0, 2.5))
    assert fake.manipulation == "LAV-DF video and audio"
    assert fake.keys == real.keys
    assert (dev.split, dev.manipulation) == ("validation", "LAV-DF audio")


@pytest.mark.parametrize("wrong", [{"fake_periods": [[2, 1]]}, {"split": "x"}, {"file": 3}])
def test_a_broken_list_of_lav_df_is_told(tmp_path, wrong):
    lav_df(tmp_path, **wrong)
    with pytest.raises(InputError, match=r"cannot be read|no list"):
        read_layout(tmp_path)


def test_av_deepfake1m_keeps_a_person_together(tmp_path):
    deepfake_1m(tmp_path)
    fake, real, other = sorted(read_layout(tmp_path), key=lambda clip: clip.path)
    assert fake.path == "train/id00012/x/00001/fake.mp4"
    assert fake.forged == ((1.1, 1.6),)
    assert fake.manipulation == "AV-DeepFake1M both_modified"
    assert fake.keys == real.keys == ("video id00012",)
    assert (real.split, other.split) == ("train", "validation")
