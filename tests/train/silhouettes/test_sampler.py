from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sticks import walking_points
from synthetic_masks import paired_walks, walking_masks, write_archive

from gaitproof.data.gait.silhouettes import load_silhouettes
from gaitproof.errors import ConfigError, InputError
from gaitproof.gait.features import mirror, mirror_features, windows_from_points
from gaitproof.train.silhouettes.config import MaskAugment, SilhouetteTrainSettings
from gaitproof.train.silhouettes.sampler import MaskStream, PairedStream, augment

SETTINGS = SilhouetteTrainSettings(steps=3, people_per_batch=4, windows_per_person=4)


def _plain(
    *, mirror: float = 0.0, mirror_people: bool = False, **changes
) -> SilhouetteTrainSettings:
    """Return settings without augmentation but mirroring."""
    fields = dict.fromkeys(type(SETTINGS.augment).model_fields, 0.0)
    fields |= {"mirror": mirror, "mirror_people": mirror_people}
    augment = SETTINGS.augment.model_validate(fields)
    return SETTINGS.model_copy(update={"augment": augment, **changes})


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    return load_silhouettes(write_archive(tmp_path_factory.mktemp("made") / "a.npz"), "made")


def test_a_step_can_be_drawn_again_and_devices_share_its_people(walks):
    stream = MaskStream(walks, SETTINGS)
    assert len(list(stream)) == 3
    one, two = stream[1], MaskStream(walks, SETTINGS, start=1)[1]
    assert (one.inputs[0] == two.inputs[0]).all()
    assert [x.shape for x in one.inputs] == [(16, 50, 64, 44)]
    assert sorted(np.bincount(one.labels, minlength=5)) == [0, 4, 4, 4, 4]
    halves = [MaskStream(walks, SETTINGS, 0, rank, 2)[1].labels.tolist() for rank in (0, 1)]
    assert sorted(halves[0] + halves[1]) == sorted(one.labels.tolist())


def test_conditions_come_in_turn(walks):
    few = [w for w in walks if w.condition == "cl" or w.recording.endswith("nm-01")]
    batch = MaskStream(few, _plain(shortest=50))[0]
    person = sorted({w.subject for w in few})[int(batch.labels[0])]
    for number, masks in enumerate(batch.inputs[0][:4]):
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


def test_mirrored_people_are_people_of_their_own(walks):
    settings = _plain(mirror_people=True, shortest=50, people_per_batch=10)
    stream = MaskStream(walks, settings)
    assert stream.n_labels == 10
    masks, labels = stream[0].inputs[0].numpy(), stream[0].labels.numpy()
    people = sorted({w.subject for w in walks})
    for label in range(10):
        own = [w for w in walks if w.subject == people[label % 5]]
        window = masks[labels == label][0]
        shown = window[..., ::-1] if label >= 5 else window
        assert any((w.sequence.masks[k : k + 50] == shown).all() for w in own for k in range(11))
    with pytest.raises(ValidationError, match="same person's or another's"):
        SilhouetteTrainSettings(augment={"mirror": 0.5, "mirror_people": True})


@pytest.mark.slow
@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_both_signals_of_a_walk_come_together_and_are_mirrored_together(mirror):
    both = paired_walks(people=3, walks=2)
    batch = PairedStream(both, _plain(mirror=mirror, people_per_batch=3))[0]
    masks, features = (x.numpy() for x in batch.inputs)
    assert masks.shape == (12, 50, 64, 44)
    assert features.shape == (12, 60, 78)
    people = sorted({w.subject for w in both})
    for shown, values, label in zip(masks, features, batch.labels, strict=True):
        shown = shown[..., ::-1] if mirror else shown
        values = mirror_features(values) if mirror else values
        originals = [
            w
            for w in both
            if w.subject == people[int(label)]
            for row in range(len(w.windows))
            if (w.windows.silhouettes.masks[row] == shown).all()
            and values == pytest.approx(w.windows.joints.features[row], abs=1e-6)
        ]
        assert originals


def test_mirrored_features_are_those_of_mirrored_joints():
    times, points = walking_points(3, 0, 2.1)
    plain, turned = (windows_from_points(times, p).features for p in (points, mirror(points)))
    assert mirror_features(plain) == pytest.approx(turned, abs=1e-5)
    assert mirror_features(mirror_features(plain)) == pytest.approx(plain, abs=1e-6)


CHANCES = [name for name in MaskAugment.model_fields if name != "mirror_people"]
NONE = dict.fromkeys(CHANCES, 0.0)


@pytest.mark.parametrize("name", CHANCES)
def test_every_change_changes_masks_and_keeps_them_masks(name):
    masks = walking_masks(3, frames=40)
    before = masks.copy()
    changed = [
        augment(masks, MaskAugment(**(NONE | {name: 1.0})), np.random.default_rng(seed))
        for seed in range(8)
    ]
    assert (masks == before).all()
    assert any((one != masks).any() for one in changed)
    for one in changed:
        assert one.shape == masks.shape
        assert one.dtype == np.uint8
        assert set(np.unique(one)) <= {0, 1}
        assert 0.6 < one.mean() / masks.mean() < 1.7


def test_without_changes_the_masks_stay():
    masks = walking_masks(3)
    assert (augment(masks, MaskAugment(**NONE), np.random.default_rng(0)) == masks).all()


def test_the_same_seed_gives_the_same_masks():
    masks = walking_masks(3)
    one, two = (augment(masks, MaskAugment(), np.random.default_rng(5)) for _ in range(2))
    assert (one == two).all()


def test_mirroring_twice_is_no_change():
    masks = walking_masks(3)
    mirrored = augment(masks, MaskAugment(**(NONE | {"mirror": 1.0})), np.random.default_rng(0))
    assert (mirrored[..., ::-1] == masks).all()
