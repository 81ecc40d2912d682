"""An explanation is of the similarity that the verdict was made by, and says whether it decided."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from evidence_cards import EVIDENCE
from linear_encoder import TEMPLATE, Linear, make_windows
from scripted import ScriptedEncoder, ScriptedExtractor, make_card
from scripted_masks import joined_of

from gaitproof.cases.case import Examiner
from gaitproof.explain.methods import explain_score
from gaitproof.explain.scope import ExplainedScore
from gaitproof.types import GaitWindows, MovementShare
from gaitproof.verify.evidence import compare
from gaitproof.verify.typicality import footage_metric
from gaitproof.verify.verifier import Verifier


class OpenEncoder(ScriptedEncoder):
    """The scripted encoder in two halves, as explanations need it."""

    cohort = None

    def normalise(self, windows):
        return windows.features

    def embed_inputs(self, inputs):
        seen = np.ones((len(inputs), 78), bool)
        return self.embed(GaitWindows(inputs, seen, np.zeros(len(inputs))))


@pytest.fixture
def verifier(tmp_path, monkeypatch):
    """Two people are enrolled; scripted walkers differ more than people do, and all may pass."""
    loose = footage_metric().model_copy(update={"limit": 1e9})
    monkeypatch.setattr("gaitproof.verify.others.footage_metric", lambda: loose)
    encoder = OpenEncoder(make_card(evidence=EVIDENCE))
    opened = Verifier.open(tmp_path / "g.db", encoder=encoder, extractor=ScriptedExtractor())
    for person in (0, 4):
        opened.enroll(f"p{person}", [film(tmp_path, person, take) for take in (0, 1)])
    return opened


def film(folder, person, take):
    path = folder / f"{person}-{take}.mp4"
    path.write_text(json.dumps([{"person": person, "take": take}]))
    return path


@pytest.mark.slow
def test_what_is_explained_is_relative_to_the_people_of_the_verdict(verifier, tmp_path):
    verifier.add_references("street", [film(tmp_path, person, 0) for person in (10, 11, 12)])
    case = Examiner(verifier).examine(film(tmp_path, 0, 2), "p0")
    examination, verdict = case.examination, case.examination.verdict
    assert examination.references.shape[0] == verdict.signals[0].references == 3
    assert case.importance().score == pytest.approx(verdict.similarity)
    alone = explain_score(verifier.encoder, examination.windows, examination.template.vector)
    assert alone.score != pytest.approx(verdict.similarity, abs=0.01)
    said = ExplainedScore.of(verdict)
    assert (said.decided_by, said.references) == ("joints", 3)
    assert "relative to 3 other people" in said.said


def test_without_references_it_is_the_plain_cosine(verifier, tmp_path):
    case = Examiner(verifier).examine(film(tmp_path, 0, 2), "p0")
    relative = case.examination.verdict.signals[0].references
    assert relative == 1  # p4, who is enrolled from the same kind of footage
    assert "relative to 1 other person" in ExplainedScore.of(case.examination.verdict).said


@pytest.mark.parametrize("references", [None, 0, 4])
def test_parts_are_of_the_score_of_verification(references):
    rng = np.random.default_rng(0)
    encoder = Linear(rng.normal(size=78))
    encoder.card = make_card(embedding_size=len(TEMPLATE), evidence=EVIDENCE)
    people = None
    if references is not None:
        people = rng.normal(size=(references, len(TEMPLATE)))
        people = (people / np.linalg.norm(people, axis=1, keepdims=True)).astype(np.float32)
    windows = make_windows(features=rng.normal(size=(3, 60, 78)))
    explanation = explain_score(encoder, windows, TEMPLATE, "shapley", references=people)
    decided = compare(encoder, encoder.embed(windows), TEMPLATE, people).similarity
    assert explanation.score == pytest.approx(decided)


@pytest.mark.parametrize(
    ("joints", "masks", "total", "decided_by", "words"),
    [
        (0.1, 1.3, 1.3, "silhouettes", "rests on the silhouettes (log10 likelihood ratio +1.30"),
        (-1.2, 0.4, -1.2, "joints", "rests on it (log10 likelihood ratio -1.20; silhouettes +0.40"),
        (-1.2, 1.3, 0.0, None, "contradict each other, so neither decides"),
        (0.2, 0.4, 0.4, "silhouettes", "60 % build and clothing, 40 % movement"),
    ],
)
def test_the_signal_that_decided_is_named(make_verdict, joints, masks, total, decided_by, words):
    verdict = joined_of(make_verdict(), total)
    first, second = verdict.signals
    share = MovementShare(0.3, 0.2, 0.4, 0.99)
    verdict = replace(
        verdict,
        signals=(
            replace(first, log10_lr=joints),
            replace(second, log10_lr=masks, counts=None, rests_on=share),
        ),
        joined=replace(verdict.joined, relative=True),
    )
    explained = ExplainedScore.of(verdict)
    assert explained.decided_by == decided_by
    assert words in explained.said


def test_what_silhouettes_do_not_support_rests_on_them(make_verdict):
    verdict = joined_of(make_verdict(), 0.35)
    first, second = verdict.signals
    verdict = replace(verdict, signals=(first, replace(second, counts=0.35)))
    assert ExplainedScore.of(verdict).decided_by == "silhouettes"
    assert ExplainedScore.of(replace(verdict, joined=None)).decided_by == "joints"
