from __future__ import annotations

import json

import pytest
from quick import QuickTraining, make_sticks

from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError, InputError
from gaitproof.modelling import experiment
from gaitproof.modelling.ablation import FULL, PARTS, ablate, make_variants
from gaitproof.modelling.experiment import Network, training_key
from gaitproof.train.config import AugmentSettings, TrainSettings

TINY = TrainSettings(
    architecture="cnn",
    steps=3,
    people_per_batch=4,
    windows_per_person=2,
    folds=2,
    enrolled=2,
    precision="32",
    augment=AugmentSettings(yaw=20, mirror=False),
)
PEOPLE, WALKS = 8, 4


@pytest.fixture(scope="module")
def recordings():
    return make_sticks(PEOPLE, WALKS)


@pytest.fixture
def training(monkeypatch):
    quick = QuickTraining()
    monkeypatch.setattr(experiment, "train", quick)
    return quick


def test_every_variant_differs_from_the_recipe_in_its_own_part_only():
    full = TrainSettings()
    variants = make_variants(full)
    assert {variant.part for variant in variants} == set(PARTS) - {"template"}
    assert len({variant.name for variant in variants}) == len(variants)
    fields = {
        "branches": {"architecture"},
        "features": {"features"},
        "losses": {"loss"},
        "window": {"frames"},
        "augmentation": {"augment"},
    }
    keys = []
    for variant in variants:
        own, base = training_key(variant.settings), training_key(full)
        keys.append(json.dumps(own))
        assert {name for name in own if own[name] != base[name]} == fields[variant.part]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("branches", ["cnn", "bilstm", "transformer"]),
        (
            "features",
            [
                "without coordinates",
                "without angles",
                "without velocities",
                "coordinates alone",
                "angles alone",
                "velocities alone",
            ],
        ),
        (
            "losses",
            [
                f"{name} alone"
                for name in ("supervised contrastive", "pair", "triplet", "contrastive", "arcface")
            ],
        ),
        ("window", ["20 frames", "30 frames", "45 frames"]),
    ],
)
def test_the_variants_of_a_part(part, names):
    variants = [v.name.split(": ")[1] for v in make_variants(TrainSettings(), [part])]
    assert variants == names


def test_augmentations_that_are_off_already_are_not_variants():
    settings = TrainSettings(augment=AugmentSettings(yaw=0, tilt=0, mirror=False))
    variants = {v.name: v.settings.augment for v in make_variants(settings, ["augmentation"])}
    assert not any("yaw" in name or "mirror" in name for name in variants)
    assert variants["augmentation: none"].depth == 0
    assert variants["augmentation: no depth"] == settings.augment.model_copy(update={"depth": 0})


@pytest.mark.parametrize(
    ("parts", "message"), [(["loss"], "'loss'"), ([], "named"), (["window"] * 2, "twice")]
)
def test_bad_parts_are_refused(parts, message):
    with pytest.raises(ConfigError, match=message):
        make_variants(TINY, parts)


@pytest.mark.slow
def test_a_killed_ablation_goes_on_and_a_changed_recipe_starts_anew(recordings, tmp_path, training):
    training.kill_before = 3
    parts = ("losses", "template")
    with pytest.raises(KeyboardInterrupt):
        ablate(TINY, recordings, tmp_path, parts=parts, draws=50)
    assert len(training.done) == 3
    training.kill_before = None
    shares: list[float] = []
    result = ablate(TINY, recordings, tmp_path, parts=parts, draws=50, progress=shares.append)
    # the recipe and 5 losses in 2 folds; the 3 trainings before the kill are kept
    assert len(training.done) == 12
    assert shares[0] == pytest.approx(3 / 12)
    assert shares[-1] == 1.0
    assert result.trained[FULL]["resumed"] == 2
    assert result.trained[FULL]["parameters"] == 16

    comparisons = {(c.level, c.figure): c for c in result.comparisons}
    assert set(comparisons) == {(level, f) for level in ("clip", "window") for f in ("eer", "auc")}
    clip = comparisons["clip", "eer"]
    assert [row.name for row in clip.rows][:2] == [FULL, "loss: supervised contrastive alone"]
    assert len(clip.rows) == 6
    assert clip.people == PEOPLE
    # 4 held-out people a fold, 2 of 4 walks left as probes
    assert (clip.mated, clip.nonmated) == (2 * 4 * 2, 2 * 4 * 2 * 3)
    # template sizes 1 to 3 leave the fourth walk as the probe of all of them
    sizes = result.templates[0]
    assert [row.name for row in sizes.rows] == [
        "template: 1 recording",
        "template: 2 recordings",
        "template: 3 recordings",
    ]
    assert sizes.reference == "template: 2 recordings"
    assert sizes.mated == PEOPLE
    saved = json.loads((tmp_path / "comparison.json").read_text())
    assert len(saved["comparisons"]) == 6
    assert saved["steps"] == 3

    again = ablate(TINY, recordings, tmp_path, parts=parts, draws=50)
    assert len(training.done) == 12
    assert again.comparisons == result.comparisons
    changed = TINY.model_copy(update={"learning_rate": 0.002})
    ablate(changed, recordings, tmp_path, parts=("template",), draws=50)
    assert len(training.done) == 14


def test_other_data_is_not_answered_with_old_results(recordings, tmp_path, training):
    ablate(TINY, recordings, tmp_path, parts=("template",), draws=50)
    ablate(TINY, recordings[:-1], tmp_path, parts=("template",), draws=50)
    assert len(training.done) == 4


@pytest.mark.slow
def test_the_recipe_itself_is_what_is_trained(recordings):
    system = Network(TINY.model_copy(update={"steps": 2}), templates=(1, 2, 3))
    run = system.run(recordings[:16], recordings[16:], 2, fold=4)
    assert set(run.trials) == {"clip", "window", *(f"template-{n}/clip" for n in (1, 2, 3))}
    assert run.facts["parameters"] > 1000
    assert run.facts["seconds"] > 0
    assert set(run.trials["clip"].fold) == {4}


def test_a_leak_is_refused_before_training(recordings, tmp_path, training):
    twin = recordings[0]
    leak = Recording("s9", "w0", "walk", "side", "sticks", twin.times, twin.points)
    with pytest.raises(InputError, match="stands for"):
        ablate(TINY, [*recordings, leak], tmp_path, draws=50)
    assert training.done == []
