import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from drawn_stores import drawn_clip, drawn_store, paint

from gaitproof.data.face.clips import Label
from gaitproof.data.face.store import write_clip, write_index
from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.metrics import auc
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.nets.face.registry import FaceNetworkSettings, create_face_network
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.features import FEATURE_FOLDER, FeatureCache, FeatureSampler
from gaitproof.train.face.loop import train_faces
from gaitproof.train.face.sampler import FaceSampler
from gaitproof.train.hardware import TrainerSettings

pytestmark = pytest.mark.slow

CPU = TrainerSettings(accelerator="cpu")
SMALL = FaceTrainSettings(
    architecture="resnet50-bigru",
    network=FaceNetworkSettings(width=16, dropout=0.1),
    alignment=AlignmentSettings(size=48, margin=0.1),
    forgeries="labelled",
    frames=3,
    views=2,
    batch=8,
    epochs=6,
    pictures_per_epoch=64,
    learning_rate=3e-3,
    schedule={"name": "one-cycle"},
    precision="32",
)


@pytest.fixture
def store(tmp_path):
    return drawn_store(tmp_path / "store", 12, 3, change=paint)


def kept(store, recipe=SMALL, split="train"):
    torch.manual_seed(0)
    network = create_face_network(recipe.architecture, recipe.network)
    crops = FaceSampler([store], split, recipe)
    return network, FeatureSampler(crops, FeatureCache(network, crops), recipe.views)


def files(store):
    return sorted((store.folder / FEATURE_FOLDER).rglob("*.safetensors"))


@pytest.mark.parametrize("forgeries", ["labelled", "self-blended", "both"])
def test_what_is_kept_is_what_the_encoder_says(store, forgeries):
    recipe = SMALL.model_copy(update={"forgeries": forgeries, "views": 1})
    network, sampler = kept(store, recipe)
    batch = sampler.draw(np.random.default_rng(0), 8)
    assert batch.codes.shape == (8, 3, 2048)
    assert batch.present.all()
    assert batch.labels.tolist().count(FORGED) == 4
    source = sampler.genuine[0]
    cut = []
    own = FaceSampler([store], "train", recipe)
    real = own.cut_genuine

    def watched(source, places, seed):
        cut.append(real(source, places, seed))
        return cut[-1]

    own.cut_genuine = watched
    cache = FeatureCache(network, own)
    cache.path(source, 0).unlink(missing_ok=True)
    features = cache.read(source, 0)
    for side, codes in ((FORGED, features.forged), (GENUINE, features.genuine)):
        crops = torch.from_numpy(np.stack([pair[side].image for pair in cut[0]]))
        with torch.inference_mode():
            expected = network.eval().encode(network.normalise(crops))
        np.testing.assert_allclose(codes, expected.numpy(), rtol=1e-4, atol=1e-4)
    assert np.array_equal(features.forged, features.genuine) == (forgeries == "labelled")


def test_the_same_state_gives_the_same_batch_before_and_after_computing(store):
    first = kept(store)[1].draw(np.random.default_rng(1), 8)
    again = kept(store)[1].draw(np.random.default_rng(1), 8)
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)


def test_an_epoch_from_kept_features_takes_a_tenth_of_the_first(store):
    _, sampler = kept(store)

    def epoch():
        start = time.process_time()
        assert sampler.compute() == 2 * 12
        return time.process_time() - start

    # a collection of garbage may fall into one of them
    assert epoch() > 10 * min(epoch() for _ in range(3))


def test_short_clips_are_masked(tmp_path):
    store = drawn_store(tmp_path, 4, 2, change=paint)
    batch = kept(store)[1].draw(np.random.default_rng(2), 4)
    assert batch.present.tolist() == [[True, True, False]] * 4
    assert (batch.codes[:, 2] == 0).all()


def test_another_encoder_cut_or_clip_has_features_of_its_own(store):
    kept(store, SMALL.model_copy(update={"views": 1}))[1].compute()
    count = len(files(store))
    assert count == 12
    kept(store, SMALL.model_copy(update={"views": 1, "architecture": "resnet50-bilstm"}))[
        1
    ].compute()
    assert len(files(store)) == count  # the same encoder
    other = SMALL.model_copy(
        update={"views": 1, "alignment": AlignmentSettings(size=48, margin=0.2)}
    )
    kept(store, other)[1].compute()
    assert len(files(store)) == 2 * count
    torch.manual_seed(7)
    network = create_face_network(SMALL.architecture, SMALL.network)
    crops = FaceSampler([store], "train", SMALL)
    FeatureCache(network, crops).read(crops.genuine[0], 0)
    assert len(files(store)) == 2 * count + 1
    changed = store.of_split("train")[0]
    stored = [
        write_clip(store.folder, one.clip, drawn_clip(99, 3)) if one is changed else one
        for one in store.clips
    ]
    write_index(store.folder, store.settings, stored)
    kept(type(store).open(store.folder), SMALL.model_copy(update={"views": 1}))[1].compute()
    assert len(files(store)) == 2 * count + 2


def test_a_broken_file_is_made_again(store):
    _, sampler = kept(store)
    sampler.compute()
    whole = files(store)[0].read_bytes()
    files(store)[0].write_bytes(whole[:100])
    sampler.compute()
    assert files(store)[0].read_bytes() == whole


def test_computing_leaves_a_network_in_the_middle_of_its_training(store):
    network, sampler = kept(store)
    before = {module: module.training for module in network.train().modules()}
    sampler.draw(np.random.default_rng(3), 8)
    assert {module: module.training for module in network.modules()} == before
    assert any(before.values())


def test_a_killed_run_has_kept_what_it_computed(store):
    code = f"""
import time
from gaitproof.train.face import features
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.data.face.store import FaceStore
from gaitproof.train.face.loop import train_faces
write, kept = features.write_atomically, []
def write_slowly(path, data):
    write(path, data)
    kept.append(path)
    print(path, flush=True)
    time.sleep(0 if len(kept) < 5 else 60)  # until it is killed
features.write_atomically = write_slowly
train_faces([FaceStore.open({str(store.folder)!r})],
    FaceTrainSettings.model_validate_json({SMALL.model_dump_json()!r}))
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(5):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in files(store)}
    assert 5 <= len(before) < 36
    train_faces([store], SMALL.model_copy(update={"epochs": 1}), trainer_options=CPU)
    assert len(files(store)) == 36  # 18 clips of training and validation in two views
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())


def test_it_learns_from_kept_features(tmp_path):
    store = drawn_store(tmp_path, 48, 3, change=paint)
    recipe = SMALL.model_copy(update={"epochs": 10, "pictures_per_epoch": 96})
    trained = train_faces([store], recipe, trainer_options=CPU)
    scores, genuine = [], []
    for stored in store.of_split("test"):
        score = trained.score_clip(store.read(stored))
        assert score.attention.sum() == pytest.approx(1)
        scores.append(score.score)
        genuine.append(stored.clip.label is Label.REAL)
    assert auc(scores, genuine) >= 0.9
    again = train_faces([store], recipe, trainer_options=CPU)
    assert again.losses == trained.losses


def test_an_encoder_that_learns_is_refused(store):
    recipe = SMALL.model_copy(update={"architecture": "cnn-bilstm"})
    with pytest.raises(ConfigError, match="cannot be kept"):
        train_faces([store], recipe, trainer_options=CPU)
