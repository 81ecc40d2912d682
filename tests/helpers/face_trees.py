"""Trees that mimic how data sets of faces are published, with empty files or with drawn faces."""

import json

import cv2
import numpy as np
from drawn_faces import draw_face
from portrait_clips import write_clip


def plant(root, *paths, text=""):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def faceforensics(root):
    plant(
        root,
        "original_sequences/youtube/c23/videos/071.mp4",
        "original_sequences/youtube/c40/videos/071.mp4",
        "original_sequences/youtube/c23/videos/054.mp4",
        "original_sequences/youtube/c23/masks/071.mp4",
        "original_sequences/youtube/c23/videos/notes.txt",
        "original_sequences/actors/raw/videos/01__walking_outdoor.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/071_054.mp4",
        "manipulated_sequences/NeuralTextures/c40/videos/054_071.mp4",
        "manipulated_sequences/DeepFakeDetection/raw/videos/01_02__walking__ABCDEFGH.mp4",
        "manipulated_sequences/Face2Face/c23/videos/071_900.mp4",
    )
    plant(root, "splits/train.json", text=json.dumps([["071", "054"]]))
    plant(root, "splits/val.json", text="[]")
    plant(root, "splits/test.json", text=json.dumps([["900", "901"]]))


def celeb_df(root):
    plant(
        root,
        "Celeb-real/id0_0000.mp4",
        "Celeb-real/id1_0000.mp4",
        "YouTube-real/00170.mp4",
        "YouTube-real/00001.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4",
    )
    plant(
        root,
        "List_of_testing_videos.txt",
        text="1 YouTube-real/00170.mp4\n1 Celeb-real/id0_0000.mp4\n"
        "0 Celeb-synthesis/id0_id1_0000.mp4\n",
    )


def dfdc(root):
    plant(root, "dfdc_train_part_0/a.mp4", "dfdc_train_part_0/b.mp4", "dfdc_train_part_10/c.mp4")
    plant(
        root,
        "dfdc_train_part_0/metadata.json",
        text=json.dumps(
            {
                "a.mp4": {"label": "FAKE", "split": "train", "original": "b.mp4"},
                "b.mp4": {"label": "REAL", "split": "train", "original": None},
                "gone.mp4": {"label": "REAL", "split": "train"},
            }
        ),
    )
    plant(
        root,
        "dfdc_train_part_10/metadata.json",
        text=json.dumps({"c.mp4": {"label": "REAL", "split": "train"}}),
    )


def preview(root):
    plant(root, "method_A/1/x.mp4", "original_videos/1/y.mp4")
    plant(
        root,
        "dataset.json",
        text=json.dumps(
            {
                "method_A/1/x.mp4": {
                    "label": "fake",
                    "set": "test",
                    "target_id": "1",
                    "swapped_id": "2",
                },
                "original_videos/1/y.mp4": {"label": "real", "set": "train", "target_id": "1"},
            }
        ),
    )


def wild(root):
    plant(
        root,
        "real_train/1/real/10/0.png",
        "real_train/1/real/2/0.png",
        "fake_test/7/fake/0/3.png",
        "fake_test/7/fake/1/readme.txt",
    )


def plain(root):
    plant(
        root,
        "train/real/ann.mp4",
        "train/fake/ann__bob.mp4",
        "test/real/cleo/2.png",
        "test/real/cleo/10.png",
        "test/fake/dov.png",
    )


def portraits(root):
    plant(
        root, "portraits/ann_1.png", "portraits/ann_2.png", "swaps/ann_bob.mp4", "frames/bob/1.png"
    )
    plant(
        root,
        "clips.csv",
        text="path,label,keys,manipulation,split\n"
        "portraits/ann_1.png,real,ann,,test\n"
        "portraits/ann_2.png,real,ann,original,\n"
        "swaps/ann_bob.mp4,fake,ann;bob,warp,\n"
        "frames/bob,real,bob,,\n",
    )


def fill(root, pictures=8):
    """Draw another face into every video and image below a folder."""
    files = sorted(path for path in root.rglob("*") if path.suffix in (".mp4", ".png"))
    for seed, path in enumerate(files):
        face, _ = draw_face(seed)
        if path.suffix == ".png":
            cv2.imwrite(str(path), face[..., ::-1])
        else:
            write_clip(path, [np.roll(face, 2 * place, 1) for place in range(pictures)])
