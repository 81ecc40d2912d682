import numpy as np
import pytest
from scripted import make_card, write_model

from gaitproof.errors import ModelError
from gaitproof.nets.cohort import COHORT_FILE, mix_cohort, pack_cohort, read_cohort
from gaitproof.nets.onnx import OnnxEncoder


def _unit(rows=5, size=42, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, size))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def written(tmp_path):
    content, described = pack_cohort(_unit(), top=3)
    (tmp_path / COHORT_FILE).write_bytes(content)
    return tmp_path, make_card(normalisation="s", cohort=described)


def test_a_cohort_is_read_back(written):
    folder, card = written
    assert (card.cohort.people, card.cohort.top) == (5, 3)
    np.testing.assert_allclose(read_cohort(folder, card), _unit(), atol=1e-6)
    assert read_cohort(folder, make_card()) is None


def test_another_cohort_is_refused(written):
    folder, card = written
    (folder / COHORT_FILE).write_bytes(pack_cohort(_unit(seed=1))[0])
    with pytest.raises(ModelError, match="does not match its card"):
        read_cohort(folder, card)
    (folder / COHORT_FILE).unlink()
    with pytest.raises(ModelError, match="does not exist"):
        read_cohort(folder, card)


def test_a_cohort_of_another_size_is_refused(tmp_path):
    content, described = pack_cohort(_unit(size=7))
    (tmp_path / COHORT_FILE).write_bytes(content)
    with pytest.raises(ModelError, match="wrong shape"):
        read_cohort(tmp_path, make_card(normalisation="z", cohort=described))


def test_rubbish_with_the_right_digest_is_refused(tmp_path):
    import hashlib

    from gaitproof.nets.card import CohortCard

    (tmp_path / COHORT_FILE).write_bytes(b"rubbish")
    digest = hashlib.sha256(b"rubbish").hexdigest()
    card = make_card(normalisation="z", cohort=CohortCard(sha256=digest, people=5))
    with pytest.raises(ModelError, match="not a valid cohort"):
        read_cohort(tmp_path, card)


@pytest.mark.parametrize("vectors", [_unit(1), 2 * _unit(), np.full((3, 4), np.nan), np.ones(4)])
def test_vectors_that_are_no_directions_are_refused(vectors):
    with pytest.raises(ModelError, match="cohort"):
        pack_cohort(vectors)


def test_a_model_folder_brings_its_cohort(tmp_path):
    folder = tmp_path / "model"
    card = write_model(folder)
    assert OnnxEncoder.load(folder).cohort is None
    content, described = pack_cohort(_unit(size=78))
    (folder / COHORT_FILE).write_bytes(content)
    changed = card.model_copy(update={"normalisation": "t", "cohort": described})
    (folder / "card.json").write_text(changed.model_dump_json())
    assert OnnxEncoder.load(folder).cohort.shape == (5, 78)


def test_mixtures_keep_mean_and_covariance_and_nobody(tmp_path):
    people = _unit(size=12)
    mixed = mix_cohort(people)
    assert mixed.shape == people.shape
    np.testing.assert_allclose(mixed.mean(axis=0), people.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(mixed.T), np.cov(people.T), atol=1e-12)
    probe = _unit(size=12, seed=9)[0]
    scores, originals = mixed @ probe, people @ probe
    assert scores.mean() == pytest.approx(originals.mean())
    assert scores.std() == pytest.approx(originals.std())
    unit = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    assert np.abs(unit @ people.T).max() < 0.99
    content, described = pack_cohort(mixed, mixed=True)
    (tmp_path / COHORT_FILE).write_bytes(content)
    card = make_card(normalisation="s", cohort=described).model_copy(
        update={"embedding_size": people.shape[1]}
    )
    np.testing.assert_allclose(read_cohort(tmp_path, card), mixed, atol=1e-6)


def test_mixtures_have_no_most_alike():
    with pytest.raises(ModelError, match="whole"):
        pack_cohort(mix_cohort(_unit()), top=3, mixed=True)
