from __future__ import annotations

import numpy as np
import pytest

from gaitproof.config import SilhouetteGate
from gaitproof.gait.silhouettes import assess_silhouettes, usable_frames
from gaitproof.types import SilhouetteSequence

COUNT = 50


def silhouettes(present=True, **figures) -> SilhouetteSequence:
    masks = np.zeros((COUNT, 64, 44), bool)
    masks[:, :, 10:30] = True
    masks[~np.broadcast_to(present, COUNT)] = False
    sound = {"height": 200.0, "cut": 0.0, "holes": 0.01, "torn": 0.01, "jump": 0.02}
    values = {name: np.broadcast_to(v, COUNT) for name, v in (sound | figures).items()}
    return SilhouetteSequence.from_masks(np.arange(COUNT) / 25, masks, **values)


def test_sound_masks_can_be_used():
    report = assess_silhouettes(silhouettes())
    assert report.usable
    assert (report.reasons, report.warnings) == ((), ())
    assert report.measures["usable_mask_seconds"] == pytest.approx(2)
    assert report.measures["mask_height_px"] == 200


@pytest.mark.parametrize(
    ("figure", "value", "words"),
    [
        ("height", 62, "62 px tall; at least 80 px"),
        ("cut", 0.21, "touches it along 21% of its height; at most 5%"),
        ("torn", 0.3, "30% of it hangs together with nothing; at most 20%"),
        ("holes", 0.15, "15% of its area; at most 10%"),
        ("jump", np.log(1.6), "differs by 60% from the frames around; at most 42%"),
    ],
)
def test_every_fault_is_told_with_value_and_limit(figure, value, words):
    sequence = silhouettes(**{figure: value})
    report = assess_silhouettes(sequence)
    assert not report.usable
    assert len(report.reasons) == 1
    assert words in report.reasons[0]
    assert not usable_frames(sequence).any()


def test_only_the_frames_at_fault_are_left_out():
    cut = np.where(np.arange(COUNT) < 15, 0.5, 0.0)
    sequence = silhouettes(cut=cut)
    assert usable_frames(sequence).tolist() == (cut == 0).tolist()
    report = assess_silhouettes(sequence)
    assert report.usable
    assert report.warnings == ("30% of the masks cannot be used.",)


def test_the_worst_reason_comes_first():
    holes = np.where(np.arange(COUNT) < 30, 0.5, 0.0)
    torn = np.where(np.arange(COUNT) < 45, 0.5, 0.0)
    first, second = assess_silhouettes(silhouettes(holes=holes, torn=torn)).reasons
    assert first.startswith("In 90% of the frames the mask is torn")
    assert second.startswith("In 60% of the frames the mask has holes")


def test_too_few_masks_are_told():
    report = assess_silhouettes(silhouettes(present=np.arange(COUNT) < 10))
    assert report.reasons == ("The person's masks cover 0.4 s; at least 1 s are needed.",)


def test_nobody_is_told():
    report = assess_silhouettes(silhouettes(present=False))
    assert not report.usable
    assert report.reasons == ("No mask of the person was found.",)


def test_what_a_source_does_not_know_passes():
    unknown = dict.fromkeys(("height", "cut", "holes", "torn", "jump"), np.nan)
    sequence = silhouettes(**unknown)
    assert usable_frames(sequence).all()
    assert assess_silhouettes(sequence).usable


def test_limits_are_settings():
    assert usable_frames(silhouettes(height=62), SilhouetteGate(min_height=50)).all()
