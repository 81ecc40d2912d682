import numpy as np
import pytest
from protocols import both_unseen, make_trials
from scripted import ScriptedEncoder, make_card

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.normalisation import (
    audit_cohort,
    make_cohort,
    normalised,
    scoring_of_encoder,
)
from gaitproof.evaluate.protocol import FittedSystem
from gaitproof.evaluate.trials import COSINE, DISTANCE, person
from gaitproof.nets.card import CohortCard
from gaitproof.verify.normalisation import Normalisation, s_norm, standardise, to_similarity


def _embed(windows):
    rows = windows.features.mean(axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_cohort_is_one_template_per_training_person(make_walks):
    walks = make_walks(4, 3)
    cohort = make_cohort(walks, _embed, COSINE)
    assert cohort.people == tuple(sorted({person(w) for w in walks}))
    own = [_embed(w.windows) for w in walks if person(w) == cohort.people[2]]
    np.testing.assert_allclose(cohort.vectors[2], COSINE.template(own), atol=1e-6)
    with pytest.raises(InputError, match="two training people"):
        make_cohort(walks[:3], _embed, COSINE)


@pytest.mark.parametrize("base", [COSINE, DISTANCE])
def test_every_trial_is_normalised_by_its_probe_and_its_template(make_walks, base):
    walks = make_walks(6, 4)
    cohort = make_cohort(make_walks(8, 3, seed=9), _embed, base)
    rows = [_embed(w.windows) for w in walks]
    rows[-1] = np.zeros((0, rows[0].shape[1]))
    plain = make_trials(walks, rows, scoring=base)
    trials = make_trials(walks, rows, scoring=normalised(base, cohort, "s", 5))
    assert trials.failures == plain.failures > 0
    scored = np.isfinite(plain.scores)
    assert ((trials.scores[scored] > 0) & (trials.scores[scored] < 1)).all()
    i = int(np.flatnonzero(scored & plain.mated)[0])
    name = plain.claimed[i]
    probe = next(
        base.probe(r)
        for w, r in zip(walks, rows, strict=True)
        if person(w) == name and w.recording == plain.recording[i]
    )
    template = base.template([r for w, r in zip(walks, rows, strict=True) if person(w) == name][:3])
    z = s_norm(
        plain.scores[i],
        base.compare(probe[None].astype(float), cohort.vectors)[0],
        base.compare(template[None].astype(float), cohort.vectors)[0],
        5,
    )
    assert trials.scores[i] == pytest.approx(float(to_similarity(z)), abs=1e-6)
    assert normalised(base, cohort, "none") is base


def test_normalisation_undoes_a_bias_of_the_template():
    """People whose template is like everybody's are the case it is made for."""
    rng = np.random.default_rng(3)
    size, people, probes = 40, 30, 4
    bias, strangers = rng.normal(0, 3, people), rng.normal(0, 1, (people, size))
    mated = np.tile(np.eye(people, dtype=bool), (probes, 1))
    raw = rng.normal(0, 1, mated.shape) + 3 * mated + bias
    fixed = standardise(raw, (strangers + bias[:, None])[None])
    before = metrics.eer(raw.ravel(), mated.ravel())
    assert metrics.eer(fixed.ravel(), mated.ravel()) < before - 0.1


def test_a_cohort_person_among_the_tested_is_refused(make_walks):
    assert audit_cohort({"a", "b"}, {"c"}) == ()
    (finding,) = audit_cohort({"a", "b"}, {"b", "c"})
    assert finding == "In the cohort and tested on: 'b'."
    walks = make_walks(12, 4)

    def leaky(train):
        cohort = make_cohort(walks, _embed, COSINE)  # everybody, the held-out people included
        return FittedSystem(_embed, normalised(COSINE, cohort, "s"), frozenset(cohort.people))

    with pytest.raises(InputError, match="In the cohort and tested on"):
        both_unseen(walks, leaky, folds=3, draws=20, baselines={})


def test_an_evaluation_with_a_cohort_of_training_people(make_walks):
    walks = make_walks(15, 5, noise=2.0)

    def fit(train):
        cohort = make_cohort(train, _embed, COSINE)
        return FittedSystem(_embed, normalised(COSINE, cohort, "s"), frozenset(cohort.people))

    plain = both_unseen(walks, lambda train: _embed, folds=3, draws=50, baselines={})
    result = both_unseen(walks, fit, folds=3, draws=50, baselines={})
    trials, reference = result.system["clip"].trials, plain.system["clip"].trials
    assert np.array_equal(trials.claimed, reference.claimed)
    assert (trials.scores != reference.scores).all()
    assert ((trials.scores > 0) & (trials.scores < 1)).all()
    assert metrics.auc(trials.scores, trials.mated) > 0.9


def test_a_finished_model_is_tried_with_its_own_cohort():
    assert scoring_of_encoder(ScriptedEncoder()) is COSINE
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20, 42))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    encoder = ScriptedEncoder(
        make_card(normalisation="t", cohort=CohortCard(sha256="0" * 64, people=12, top=6))
    )
    encoder.cohort = rows[:12]
    scores = scoring_of_encoder(encoder).compare(rows[12:14], rows[14:])
    measure = Normalisation.of(encoder)
    for i in range(2):
        for j in range(6):
            expected = measure.similarity(rows[12 + i][None], rows[14 + j])
            assert scores[i, j] == pytest.approx(expected, abs=1e-6)
