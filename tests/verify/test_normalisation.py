import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedEncoder, make_card, walk

from gaitproof.errors import ModelError
from gaitproof.gait.features import compute_windows
from gaitproof.nets.card import CohortCard
from gaitproof.verify.normalisation import Normalisation, s_norm, standardise, to_similarity
from gaitproof.verify.scoring import mean_direction, similarity
from gaitproof.verify.verifier import Verifier

RNG = np.random.default_rng(0)
PROBE, TEMPLATE = RNG.normal(0.3, 0.2, 30), RNG.normal(0.4, 0.1, 30)


def test_by_hand():
    assert standardise(5.0, [1.0, 3.0]) == pytest.approx(3.0)
    assert standardise(5.0, [2.0, 2.0, 4.0, 4.0]) == pytest.approx(2.0)
    assert s_norm(5.0, [2.0, 4.0], [1.0, 3.0]) == pytest.approx(2.5)
    # adaptive: the two most alike of the cohort are 3 and 5
    assert standardise(6.0, [-9.0, 3.0, 5.0], top=2) == pytest.approx(2.0)
    assert standardise(6.0, [-9.0, 3.0, 5.0], top=3) == standardise(6.0, [-9.0, 3.0, 5.0])


@given(st.floats(-5, 5), st.floats(0.1, 10), st.floats(-1, 1), st.sampled_from([None, 2, 7]))
def test_constants_and_scales_do_not_matter(shift, scale, score, top):
    plain = s_norm(score, PROBE, TEMPLATE, top)
    moved = s_norm(scale * score + shift, scale * PROBE + shift, scale * TEMPLATE + shift, top)
    assert moved == pytest.approx(plain, rel=1e-6, abs=1e-6)


def test_matrices_are_normalised_by_row_and_column():
    scores = RNG.normal(size=(4, 3))
    probes, templates = RNG.normal(size=(4, 9)), RNG.normal(size=(3, 9))
    normalised = s_norm(scores, probes[:, None], templates[None])
    for i in range(4):
        for j in range(3):
            assert normalised[i, j] == pytest.approx(s_norm(scores[i, j], probes[i], templates[j]))


def test_a_score_that_is_missing_stays_missing():
    assert np.isnan(s_norm(np.nan, PROBE, TEMPLATE))


@pytest.mark.parametrize(
    ("cohort", "top"), [([1.0], None), ([2.0, 2.0, 2.0], None), ([1.0, 2.0], 1), ([], None)]
)
def test_a_cohort_that_measures_nothing_is_refused(cohort, top):
    with pytest.raises(ModelError, match="cohort"):
        standardise(1.0, cohort, top)


@given(st.lists(st.floats(-12, 12), min_size=2, max_size=20))
def test_the_map_to_similarities_rises_within_0_and_1(values):
    ranked = np.unique(np.round(values, 6))
    mapped = to_similarity(ranked)
    assert ((mapped > 0) & (mapped < 1)).all()
    assert (np.diff(mapped) > 0).all()
    assert to_similarity(0.0) == 0.5


class _WithCohort(ScriptedEncoder):
    def __init__(self, kind, extra=None, **changes):
        walkers = [self._walker(p) for p in range(100, 110)]
        cohort = CohortCard(sha256="0" * 64, people=len(walkers), **(extra or {}))
        super().__init__(make_card(normalisation=kind, cohort=cohort, **changes))
        self.cohort = np.stack([mean_direction(self.embed(w)) for w in walkers])

    def embed(self, windows):
        self.last = super().embed(windows)
        return self.last

    @staticmethod
    def _walker(person):
        return compute_windows(walk(person))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["z", "t", "s"])
def test_verification_uses_the_normalisation_of_the_card(gallery, extractor, make_video, kind):
    encoder = _WithCohort(kind)
    verifier = Verifier.open(gallery, encoder=encoder, extractor=extractor)
    verifier.enroll("p0", [make_video({"person": 0, "take": t}) for t in (0, 1)])
    template = gallery.template("p0", "scripted-1", "scripted/1").vector
    video = make_video({"person": 0, "take": 2})
    other = verifier.verify(make_video({"person": 5, "take": 2}), claim="p0").similarity
    own = verifier.verify(video, claim="p0").similarity
    assert own > other
    rows = encoder.last
    direction = mean_direction(rows).astype(float)
    by_template = (1 + encoder.cohort @ template) / 2
    by_probe = (1 + encoder.cohort @ direction) / 2
    plain = similarity(rows, template)
    expected = {
        "z": standardise(plain, by_template),
        "t": standardise(plain, by_probe),
        "s": s_norm(plain, by_probe, by_template),
    }[kind]
    assert own == pytest.approx(float(to_similarity(expected)), abs=1e-6)
    assert verifier.identify(video).candidates[0].similarity == pytest.approx(own)


def test_a_card_without_its_cohort_is_refused():
    encoder = _WithCohort("s")
    encoder.cohort = None
    with pytest.raises(ModelError, match="the model has none"):
        Normalisation.of(encoder)


def test_without_a_normalisation_the_similarity_is_the_cosine():
    encoder = ScriptedEncoder()
    rows = RNG.normal(size=(3, 42))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert Normalisation.of(encoder).similarity(rows, rows[0]) == similarity(rows, rows[0])
