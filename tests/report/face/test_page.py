import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from chromium import browser, needs_chromium, open_file
from face_scans import SIDE, make_face, make_model, make_scan

from gaitproof.errors import InputError
from gaitproof.face.verdict import FaceSegment
from gaitproof.report.face.strip import HEIGHT, draw_strip, segment_edges, side_colour
from gaitproof.report.face.write import PAGE, write_scan


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def three(model):
    return make_scan(
        [
            make_face(1, [0.9] * 10, model),
            make_face(2, [0.1] * 10, model, start=1.0),
            make_face(3, [], model, reason="no frame of the face can be judged"),
        ]
    )


def read(folder):
    return (folder / PAGE).read_text(encoding="utf-8")


@pytest.mark.slow
def test_everything_is_written(model, three, tmp_path):
    written = write_scan(tmp_path / "new", three, model)
    names = {path.name for path in written}
    assert names == {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {
        "index.html",
        "scan.json",
        "frame_analysis.png",
        "confidence_timeline.png",
        "statistics.png",
        "face-1.png",
        "face-2.png",
    }
    content = json.loads((tmp_path / "new/scan.json").read_text())
    assert content == json.loads(json.dumps(three.to_dict()))
    strip = cv2.imread(str(tmp_path / "new/face-2.png"))
    assert strip.shape == (SIDE, 10 * SIDE, 3)
    assert (strip == 25).all()  # as scored, without loss


@pytest.mark.slow
def test_the_page_tells_answers_error_rates_limits_and_notes(model, three, tmp_path):
    write_scan(tmp_path, three, model)
    page = read(tmp_path)
    for part in (
        "FAKE — a face looks manipulated",
        "✓ REAL",
        "✗ FAKE",
        "no frame of the face can be judged",
        "For tests only.<p>Never believe it.</p>",
        "the light is bad",
        "10 % (95 % interval 5.0 % to 20 %)",
        "chance that at least one is called FAKE",
        "ab" * 32,
        model.card.weights_sha256,
        "the face is too small (2)",
        "what the model used",
    ):
        assert part in page, part
    assert page.count("data:image/jpeg") == 20
    assert page.count("data:image/png") == 2


def test_without_a_face_nothing_is_said_of_the_video(model, tmp_path):
    names = {path.name for path in write_scan(tmp_path, make_scan([]), model)}
    assert names == {"index.html", "scan.json", "frame_analysis.png"}
    assert "no answer about the video" in read(tmp_path)
    assert "chance that at least one" not in read(tmp_path)


@pytest.mark.slow
def test_without_maps_the_page_does_not_speak_of_colours(tmp_path):
    plain = make_model(maps=False)
    write_scan(tmp_path, make_scan([make_face(1, [0.1] * 3, plain)]), plain)
    assert "Grad-CAM" not in read(tmp_path)
    assert "where the model sees" not in read(tmp_path)


@pytest.mark.slow
def test_without_calibration_there_is_no_likelihood_ratio(tmp_path):
    plain = make_model(calibration=None, frame_calibration=None)
    write_scan(tmp_path, make_scan([make_face(1, [0.1] * 3, plain)]), plain)
    assert "likelihood ratio" not in read(tmp_path)
    assert "not calibrated" in read(tmp_path)


@pytest.mark.slow
def test_very_many_pictures_are_listed_in_part(model, tmp_path):
    scores = np.random.default_rng(0).random(3000)
    write_scan(tmp_path, make_scan([make_face(1, scores, model, shown=(0, 5, 2999))]), model)
    assert read(tmp_path).count('data-label="frame"') == 200
    assert "200 of 3000 scored frames" in read(tmp_path)
    assert len(json.loads((tmp_path / "scan.json").read_text())["faces"][0]["frames"]) == 3000


@pytest.mark.slow
def test_names_cannot_become_markup(model, tmp_path):
    scan = make_scan(
        [make_face(1, [0.1] * 3, model, reason="<b>x</b>")], "<script>alert(1)</script>.mp4"
    )
    write_scan(tmp_path, scan, model)
    assert "<script" not in read(tmp_path)
    assert "<b>x" not in read(tmp_path)


@pytest.mark.slow
def test_a_file_in_the_way_is_one_error(model, three, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        write_scan(tmp_path / "file", three, model)
    (tmp_path / "out/index.html").mkdir(parents=True)
    with pytest.raises(InputError):
        write_scan(tmp_path / "out", three, model)


@pytest.mark.slow
@needs_chromium
def test_the_page_fits_every_screen_and_asks_for_nothing(model, three, tmp_path):
    write_scan(tmp_path, three, model)
    with browser() as chromium:
        page, requests, complaints = open_file(chromium, tmp_path / PAGE)
        assert page.locator("article.card").count() == 3
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for width in (360, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            over = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert over <= 0, f"{over} pixels too wide at {width}"
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        page.emulate_media(media="print")
        assert page.locator("tr.face").first.is_visible()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def in_turns(model, weights, scores, members=((), ())):
    """Return a scan of one face whose frames were judged in two segments."""
    half = len(weights) // 2
    verdict, pictures = make_face(1, np.repeat(scores, half), model)
    frames = tuple(
        replace(frame, turn=1 + place // half, weight=weight)
        for place, (frame, weight) in enumerate(zip(verdict.frames, weights, strict=True))
    )
    turns = tuple(
        FaceSegment(
            frames[half * place].time, frames[half * (place + 1) - 1].time, half, score, said
        )
        for place, (score, said) in enumerate(zip(scores, members, strict=True))
    )
    return make_scan([(replace(verdict, frames=frames, turns=turns), pictures)])


@pytest.mark.slow
def test_pictures_judged_together_have_no_score_of_their_own(tmp_path):
    changes = {
        "clip": {"frames": 4, "rate": 2.0, "pictures": 8},
        "members": ("cnn-bilstm-1", "bigru-2"),
    }
    model = make_model(maps=False, **changes)
    weights = [0.25] * 4 + [0.0, 0.1, 0.8, 0.1]
    scan = in_turns(model, weights, (0.9, 0.2), ((0.95, 0.85), (0.3, 0.1)))
    write_scan(tmp_path, scan, model)
    page = read(tmp_path)
    for part in (
        "from the mean of the scores of 2 segments of frames judged together",
        "no frame has a score of its own",
        "cnn-bilstm-1: 0.375",
        "bigru-2: 0.525",
        "segment 2, counted 80 %; P(manipulated) 0.78",
        "P(manipulated) of its segment",
        "3.00 s (80 %)",
    ):
        assert part in page, part
    face = json.loads((tmp_path / "scan.json").read_text())["faces"][0]
    assert [frame["weight"] for frame in face["frames"]] == weights
    assert [turn["score"] for turn in face["turns"]] == [0.9, 0.2]
    assert face["members"] == pytest.approx([0.625, 0.475])


def test_the_strip_is_lightest_where_a_picture_counted_most():
    model = make_model(clip={"frames": 4, "rate": 2.0, "pictures": 8})
    scan = in_turns(model, [0.25] * 4 + [0.0, 0.1, 0.8, 0.1], (0.9, 0.2))
    frames = scan.faces[0].frames
    strip = draw_strip(frames, 406, 0.5)
    assert strip.shape == (HEIGHT, 406, 3)
    (first, one_end), (second, end) = segment_edges(frames, 406)
    assert (first, one_end, second, end) == (0, 200, 206, 406)
    cells = strip[-1, second:end].astype(int).sum(axis=1).reshape(4, -1).mean(axis=1)
    assert cells.argmax() == 2
    assert cells.argmin() == 0
    even = strip[-1, first:one_end]
    assert (even == even[0]).all()
    assert tuple(strip[0, 0]) == side_colour(1)
    assert tuple(strip[0, -1]) == side_colour(-1)
    assert (strip[:, one_end:second] == 255).all()
