from __future__ import annotations

import numpy as np
import pytest
from made_masks import write_archive

from gaitproof.errors import ConfigError, InputError
from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
from gaitproof.train.silhouettes.sampler import MaskStream
from gaitproof.train.sources.silhouettes import load_silhouettes

SETTINGS = SilhouetteTrainSettings(steps=3, people_per_batch=4, windows_per_person=4)


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    return load_silhouettes(write_archive(tmp_path_factory.mktemp("made") / "a.npz"), "made")


def test_a_step_can_be_drawn_again_and_devices_share_its_people(walks):
    stream = MaskStream(walks, SETTINGS)
    assert len(list(stream)) == 3
    one, two = stream[1], MaskStream(walks, SETTINGS, start=1)[1]
    assert (one.masks == two.masks).all()
    assert one.masks.shape == (16, 50, 64, 44)
    assert sorted(np.bincount(one.labels, minlength=5)) == [0, 4, 4, 4, 4]
    halves = [MaskStream(walks, SETTINGS, 0, rank, 2)[1].labels.tolist() for rank in (0, 1)]
    assert sorted(halves[0] + halves[1]) == sorted(one.labels.tolist())


def test_conditions_come_in_turn(walks):
    few = [w for w in walks if w.condition == "cl" or w.recording.endswith("nm-01")]
    plain = SETTINGS.model_copy(
        update={
            "augment": SETTINGS.augment.model_validate(
                dict.fromkeys(type(SETTINGS.augment).model_fields, 0.0)
            ),
            "shortest": 50,
        }
    )
    batch = MaskStream(few, plain)[0]
    person = sorted({w.subject for w in few})[int(batch.labels[0])]
    for number, masks in enumerate(batch.masks[:4]):
        condition = ("nm", "cl")[number % 2]
        seen = [
            w
            for w in few
            if w.subject == person
            and w.condition == condition
            and any((w.sequence.masks[k : k + 50] == masks.numpy()).all() for k in range(11))
        ]
        assert seen


def test_what_cannot_be_trained_on_is_refused(walks):
    with pytest.raises(InputError, match="two subjects"):
        MaskStream([w for w in walks if w.subject == "001"], SETTINGS)
    with pytest.raises(ConfigError, match="two people per batch"):
        MaskStream(walks, SETTINGS, 0, 0, 4)
