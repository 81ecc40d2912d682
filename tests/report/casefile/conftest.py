from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from scripted import ScriptedEncoder, ScriptedExtractor, make_card
from synthetic_joint import make_face_card, make_scan

from gaitproof.config import VerifySettings
from gaitproof.nets.card import ScoreHistogram
from gaitproof.report.casefile import build_report, file_image
from gaitproof.report.images import to_data_uri
from gaitproof.report.page import PageImage
from gaitproof.verify.fusion.joint import join
from gaitproof.verify.verifier import Verifier

SCORES = ScoreHistogram(source="tests", edges=(0, 0.5, 0.9, 1), mated=(0, 1, 9), nonmated=(5, 9, 1))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def make_report(tmp_path_factory):
    """Return a maker of reports on scripted walkers."""

    def make(claim="Zoë <b>Ångström", person=0, seconds=4.0, recordings=None, **changes):
        folder = tmp_path_factory.mktemp("case")
        encoder = ScriptedEncoder()
        encoder.card = make_card(**({"scores": SCORES} | changes))
        verifier = Verifier.open(folder / "g.db", encoder=encoder, extractor=ScriptedExtractor())
        files = []
        for name, who, take, length in (
            ("a", 0, 0, 4.0),
            ("b", 0, 1, 4.0),
            ("probe", person, 2, seconds),
        ):
            files.append(folder / f"{name}.mp4")
            files[-1].write_text(json.dumps([{"person": who, "take": take, "seconds": length}]))
        verifier.enroll(claim, files[:2])
        examination = verifier.examine(files[2], claim=claim)
        photo = PageImage(
            to_data_uri(np.full((90, 160, 3), 90, np.uint8)), 160, 90, "walking", "1 s"
        )
        return build_report(
            examination,
            card=encoder.card,
            settings=VerifySettings(),
            recordings=verifier.gallery.history(claim).recordings,
            command="gaitproof verify probe.mp4",
            frames=[file_image(photo, title="A frame")] * 3,
            created=NOON,
        )

    return make


@pytest.fixture(scope="session")
def reports(make_report):
    """Return a report of every answer."""
    return {
        "AUTHENTIC": make_report(),
        "DEEPFAKE": make_report(person=5),
        "INCONCLUSIVE": make_report(seconds=1.0),
    }


@pytest.fixture(scope="session")
def report(reports):
    return reports["AUTHENTIC"]


@pytest.fixture
def with_face(reports):
    """Return a maker of reports on gait and face."""

    def do(decision, *faces, weights=None, **card):
        report = reports[decision]
        face_card = make_face_card(**card)
        scan = make_scan(*faces, sha256=report.verdict.source_sha256)
        joint = join(report.verdict, scan, face_card, weights=weights)
        return report.model_copy(
            update={"joint": joint, "face_model": face_card, "faces": report.frames[:1]}
        )

    return do
