"""Who is named is whom `verify` accepts, by the same evidence; nobody, and two, are no name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evidence_cards import EVIDENCE
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedEncoder, make_card
from scripted_masks import MaskedExtractor, MaskEncoder
from signal_weights import RELATIVE

from gaitproof.types import Decision
from gaitproof.verify import identification
from gaitproof.verify.identification import NOBODY, odds_among
from gaitproof.verify.typicality import footage_metric
from gaitproof.verify.verifier import Verifier


class OwnWidths(MaskedExtractor):
    """Masks of a width that tells people apart; file names begin with it."""

    def __call__(self, path, settings, *, cache, progress):
        self.width = int(path.name.split("-")[0])
        return super().__call__(path, settings, cache=cache, progress=progress)


@pytest.fixture
def fused(gallery, monkeypatch):
    """A verifier that needs two people as references, of joints and of silhouettes."""
    loose = footage_metric().model_copy(update={"limit": 1e9})
    monkeypatch.setattr("gaitproof.verify.others.footage_metric", lambda: loose)
    masks = MaskEncoder()
    masks.card = masks.card.model_copy(update={"evidence": EVIDENCE})
    return Verifier.open(
        gallery,
        encoder=ScriptedEncoder(make_card(evidence=EVIDENCE)),
        extractor=OwnWidths(),
        mask_encoder=masks,
        weights=RELATIVE,
    )


@pytest.fixture
def film(make_video):
    def make(person, take, width, **changes):
        return make_video(
            {"person": person, "take": take} | changes, name=f"{width}-{person}-{take}.mp4"
        )

    return make


@pytest.fixture
def people(fused, film):
    for person, width in ((0, 8), (4, 16), (10, 30), (11, 40)):
        fused.enroll(f"p{person}", [film(person, take, width) for take in (0, 1)])
    return fused


@pytest.mark.slow
def test_every_candidate_is_what_verify_says_of_the_claim(people, film):
    video = film(0, 2, 9)
    identification = people.identify(video)
    assert identification.compared == len(identification.candidates) == 4
    for one in identification.candidates:
        verdict = people.verify(video, claim=one.name)
        assert (one.log10_lr, one.decision) == (verdict.log10_lr, verdict.decision)
        assert [s.similarity for s in one.signals] == [s.similarity for s in verdict.signals]
        assert one.signals[1].references == 3  # never the candidate
    ratios = [one.log10_lr for one in identification.candidates]
    assert ratios == sorted(ratios, reverse=True)
    assert identification.headline == "Supported: p0"
    assert identification.to_dict()["headline"] == identification.headline


@pytest.mark.slow
def test_joints_do_not_name_whom_the_silhouettes_contradict(people, film):
    identification = people.identify(film(0, 2, 40))  # walks as p0, looks like p11
    accepted = {one.name: one.accepted for one in identification.candidates}
    nearest = max(identification.candidates, key=lambda one: one.similarity)
    assert (nearest.name, accepted["p0"]) == ("p0", False)


@pytest.mark.slow
def test_two_who_cannot_be_told_apart_are_not_named(people, film):
    people.enroll("twin", [film(0, 5, 8), film(0, 6, 8)])
    identification = people.identify(film(0, 2, 9))
    assert {one.name for one in identification.candidates if one.accepted} == {"p0", "twin"}
    assert "p0" in identification.reason
    assert "twin" in identification.reason
    assert "does not tell them apart" in identification.reason


def test_without_references_the_remedy_is_named(fused, film):
    fused.enroll("p0", [film(0, take, 8) for take in (0, 1)])
    identification = fused.identify(film(0, 2, 8))
    assert identification.reason.startswith(NOBODY)
    assert "gaitproof reference add" in identification.reason


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=9))
def test_odds_are_those_of_equal_prior_probabilities(ratios):
    likelihoods = np.append(10.0 ** np.array(ratios), 1.0)  # the last is somebody unknown
    posterior = likelihoods / likelihoods.sum()
    expected = (posterior / (1 - posterior))[:-1]
    assert odds_among(ratios) == pytest.approx(expected)


@pytest.mark.slow
def test_the_more_people_are_not_excluded_the_more_support_a_name_needs(people, film, monkeypatch):
    """Ratios that name somebody in a small gallery do not where many are as likely."""
    video = film(0, 2, 9)
    assert people.identify(video).headline == "Supported: p0"
    judge_all = identification._judge_all

    def with_unsettled(*args):
        verdicts = judge_all(*args)
        unsettled = next(one for one in verdicts if one.claim == "p4")
        open_ = replace(unsettled, decision=Decision.INCONCLUSIVE, log10_lr=0.9)
        return [*verdicts, *(replace(open_, claim=f"q{i}") for i in range(30))]

    monkeypatch.setattr(identification, "_judge_all", with_unsettled)
    answer = people.identify(video)
    assert answer.candidates[0].accepted
    assert answer.reason.startswith("p0 is supported by the claim alone, and not among all 34")
    assert answer.headline.startswith("INCONCLUSIVE")


@pytest.mark.slow
def test_a_large_gallery_gives_the_same_answer(people, film, monkeypatch):
    for person in range(20, 24):
        people.enroll(f"q{person}", [film(person, 0, 40)])
    video = film(0, 2, 9)
    everybody = people.identify(video, top=4)
    monkeypatch.setattr("gaitproof.verify.searching.LARGE", 3)
    monkeypatch.setattr("gaitproof.verify.identification.SHORTLIST", 3)
    identification = people.identify(video, top=4)
    assert identification.candidates[:2] == everybody.candidates[:2]
    assert identification.headline == everybody.headline
    assert 3 <= identification.compared < everybody.compared == 8
    assert any(
        "of 8 identities that are most like this walk" in note for note in identification.notes
    )
