import html
import io
import json
import re
from dataclasses import replace

import jsonschema
import pypdf
import pytest
from synthetic_joint import make_face, make_weights

from gaitproof.face.verdict import FaceSegment
from gaitproof.report.casefile import compose, parse_report, seal, to_json
from gaitproof.report.casefile.pdf import render_pdf
from gaitproof.report.casefile.seal import report_schema
from gaitproof.report.page import render
from gaitproof.types import Decision


def read(report):
    """Return what page and PDF say, without spaces between lines."""
    composed = compose(seal(report))
    page = html.unescape(
        re.sub(r"<style>.*?</style>|<[^>]*>", " ", render("casefile", document=composed))
    )
    pdf = pypdf.PdfReader(io.BytesIO(render_pdf(composed)))
    return " ".join(page.split()), "".join("".join(p.extract_text().split()) for p in pdf.pages)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("decision", "face", "answer", "parts"),
    [
        ("AUTHENTIC", ("REAL", 1.0), "AUTHENTIC", ["an untouched video of the claimed person"]),
        ("AUTHENTIC", ("FAKE", -1.0), "DEEPFAKE", [
            "replaced lips or a reenacted face",
            "about 10 times as probable if the video shows somebody else's body or a manipulated "
            "face (or both) as if it shows",
        ]),
        ("DEEPFAKE", ("REAL", 1.0), "DEEPFAKE", ["a lookalike, an actor, a wrong name"]),
        ("DEEPFAKE", ("FAKE", -1.0), "DEEPFAKE", ["face on somebody else's body"]),
        ("INCONCLUSIVE", ("REAL", 1.0), "INCONCLUSIVE", [
            "about 10 times as probable if the face in the video is not manipulated as if it is",
            "does not tell who the person is",
        ]),
    ],
)  # fmt: skip
def test_page_and_pdf_tell_of_both(with_face, decision, face, answer, parts):
    report = with_face(decision, make_face(*face))
    assert report.joint.decision == answer
    page, pdf = read(report)
    for part in (
        *parts,
        "own body, and the face in it is not manipulated",
        "What gait and face say together",
        "Of the walk alone the answer is " + decision,
        "Of the face alone the answer is " + face[0],
        "it looks at gait and face",
        "The face model",
        "For tests only.",
        report.face_model.weights_sha256,
    ):
        assert part in page, part
        assert "".join(part.split()) in pdf, part
    assert "it looks at the walk alone" not in page


@pytest.mark.slow
def test_without_a_face_it_is_the_walk(with_face):
    report = with_face("AUTHENTIC")
    assert report.joint.decision is Decision.AUTHENTIC
    page, _ = read(report)
    assert "No face was judged." in page
    assert "no face was found in the video" in page
    assert "as probable if the claimed person walks in the video" in page
    assert "not examined" in page


def test_the_row_that_applies_is_marked(with_face):
    for decision, face, place in (
        ("AUTHENTIC", "REAL", 0),
        ("AUTHENTIC", "FAKE", 1),
        ("DEEPFAKE", "REAL", 2),
        ("DEEPFAKE", "FAKE", 3),
        ("AUTHENTIC", None, None),
    ):
        faces = [make_face(face, 1.0 if face == "REAL" else -1.0)] if face else []
        blocks = compose(seal(with_face(decision, *faces))).blocks
        table = next(b for b in blocks if getattr(b, "head", ("",))[0] == "The walk")
        assert table.marked == place


@pytest.mark.slow
def test_learnt_weights_are_told(with_face):
    names = {"gait_model": "scripted-1", "face_model": "tiny-1"}
    page, _ = read(with_face("AUTHENTIC", make_face(), weights=make_weights(**names)))
    assert "learnt on 16 people: made trials" in page


@pytest.mark.slow
def test_pictures_judged_together_are_told_as_turns(with_face):
    face = make_face()
    turns = tuple(FaceSegment(i, i + 0.5, 4, 0.9) for i in range(3))
    page, _ = read(with_face("AUTHENTIC", replace(face, turns=turns)))
    assert f"of 3 segments of {len(face.frames)} frames in all (0 manipulated" in page


def test_a_face_model_without_calibration_or_data(with_face):
    page, _ = read(with_face("AUTHENTIC", make_face(log10_lr=None), calibration=None))
    assert "not calibrated" in page
    assert "nothing can be joined" in page


def test_hostile_words_are_data(with_face):
    nasty = "<script>alert(1)</script>"
    report = with_face("AUTHENTIC", make_face("INCONCLUSIVE", 0.1), limits=nasty, protocol=nasty)
    page = render("casefile", document=compose(seal(report)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_reports_with_a_face_follow_the_schema_and_survive_their_file(with_face):
    sealed = seal(with_face("AUTHENTIC", make_face("FAKE", -1.0)))
    data = to_json(sealed)
    again, _ = parse_report(data)
    assert again == sealed
    assert again.content.headline == sealed.content.joint.headline
    assert again.content.joint.combination is sealed.content.joint.combination
    validator = jsonschema.Draft202012Validator(report_schema())
    raw = json.loads(data)
    assert list(validator.iter_errors(raw)) == []
    raw["content"]["joint"]["surprise"] = 1
    assert list(validator.iter_errors(raw)) != []


def test_reports_of_the_walk_alone_say_what_they_said(report):
    assert report.headline == report.verdict.headline
    page, _ = read(report)
    assert "it looks at the walk alone" in page
    assert "The face model" not in page
    # made before faces were looked at
    raw = json.loads(to_json(seal(report)))
    for name in ("joint", "face_model", "faces"):
        del raw["content"][name]
    again, _ = parse_report(json.dumps(raw).encode())
    assert again.content == report
