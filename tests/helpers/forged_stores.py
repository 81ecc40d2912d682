"""Stores of drawn people with forged clips that a model of brightness tells apart, or not."""

from drawn_stores import drawn_clip
from tiny_face_model import make_weights, write_model

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.store import FaceStore, StoreSettings, write_clip, write_index


def darken(image, landmarks, rng):
    """Forge so that a model of brightness sees it."""
    return image // 4


def keep(image, landmarks, rng):
    """Forge so that nobody can see it."""
    return image


def forged_store(folder, people=5, forgeries=(("dark", darken), ("hidden", keep)), pictures=3):
    """Write a store of test clips: every person genuine, and forged in every way with the next."""
    stored = []
    for person in range(people):
        own = f"person {person}"
        real = FaceClip(f"real/{person}.mp4", Label.REAL, (own,), split="test")
        stored.append(write_clip(folder, real, drawn_clip(person, pictures, size=120)))
        for name, change in forgeries:
            keys = (own, f"person {(person + 1) % people}")
            fake = FaceClip(f"{name}/{person}.mp4", Label.FAKE, keys, name, "test")
            faces = drawn_clip(person, pictures, size=120, change=change)
            stored.append(write_clip(folder, fake, faces))
    write_index(folder, StoreSettings(detector="drawn 1", frames=pictures), stored)
    return FaceStore.open(folder)


def brightness_model(folder, **changes):
    """Write a model that takes dark faces for forged, with a calibration."""
    from gaitproof.face.model import FaceForgeryModel

    calibration = {"slope": 0.5, "intercept": 0.0, "log10_lr_bound": 1.0, "people": 10}
    fields = {
        "alignment": {"size": 32, "margin": 0.25},
        "calibration": calibration,
        "detector": "drawn 1",
    }
    write_model(folder, make_weights(32, gain=30.0, centre=0.2), **fields | changes)
    return FaceForgeryModel.load(folder)
