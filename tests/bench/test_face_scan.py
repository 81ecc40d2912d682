import io
import json

import pytest
from portrait_clips import place, write_clip
from rich.console import Console
from tiny_face_model import make_weights, write_model
from typer.testing import CliRunner

from gaitproof.bench.face_scan import FaceScanCost, WayCost, cost_table, draw_face
from gaitproof.bench.verify_speed import Cost, run_gaitproof
from gaitproof.cli.app import app
from gaitproof.errors import GaitproofError
from gaitproof.face.detect import create_detector

pytestmark = pytest.mark.slow


def test_the_drawn_face_is_taken_for_one():
    with create_detector() as detector:
        (face,) = detector.detect(draw_face(480))
    assert face.mesh is not None
    assert face.size > 150


def test_a_scan_is_measured_in_every_way(tmp_path):
    shots = [place([(draw_face(200), 60 + i, 20, 200)], (320, 240)) for i in range(10)]
    clip = write_clip(tmp_path / "a.mp4", shots)
    model = write_model(tmp_path / "m", make_weights(maps=True))
    arguments = ["bench", "face-scan", "--clip", str(clip), "--model", str(model)]
    done = CliRunner().invoke(app, [*arguments, "--repeats", "1", "--json"])
    assert done.exit_code == 0, done.output
    measured = json.loads(done.stdout)
    assert list(measured["ways"]) == ["default", "with page and pictures", "every picture"]
    for cost in measured["ways"].values():
        assert cost["faces"] == 1
        assert 0.3 < cost["runs"][0]["seconds"] < 60
        assert cost["runs"][0]["mib"] > 50
    assert measured["ways"]["every picture"]["pictures"] == 10
    assert measured["crop_ms"] > 0
    assert measured["explain_ms"] > 0


def test_the_table_sets_figures_beside_limits():
    ways = {"default": WayCost((Cost(3.1, 5.0, 400.0), Cost(2.9, 5.0, 401.4)), 1, 10)}
    out = io.StringIO()
    table = cost_table(FaceScanCost("a clip", "tiny-1", 2, ways, 12.34, None))
    Console(file=out, width=120).print(table)
    for part in ("2.9–3.1", "401", "1144", "12.3 ms per crop (at most 23)", "tiny-1"):
        assert part in out.getvalue()
    assert "explaining" not in out.getvalue()


def test_clip_and_portrait_are_not_given_together():
    done = CliRunner().invoke(app, ["bench", "face-scan", "--clip", "a", "--portrait", "b"])
    assert done.exit_code == 2


def test_a_failed_command_is_one_error(tmp_path):
    with pytest.raises(GaitproofError, match="gaitproof face failed"):
        run_gaitproof(["face", "scan", str(tmp_path / "none.mp4")], tmp_path / "log", {0})
