from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from face_scans import make_face, make_model, make_scan
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.face.verdict import RelativeEvidence
from gaitproof.report.face.evidence import show_faces
from gaitproof.report.face.levels import spread_apart
from gaitproof.report.face.plots import (
    MOST_FACES,
    plot_statistics,
    plot_timeline,
    signature,
)
from gaitproof.report.face.sheet import draw_sheet
from gaitproof.report.style import COLOURS, GREY, save_figure


@pytest.fixture(scope="module")
def model():
    return make_model()


def scans(model):
    return {
        "one": make_scan([make_face(1, [0.9, 0.8, 0.3], model)]),
        "three": make_scan(
            [make_face(i + 1, [s] * 10, model) for i, s in enumerate((0.9, 0.1, 0.5))]
        ),
        "unscored": make_scan([make_face(1, [], model, reason="no frame can be judged")]),
        "many": make_scan([make_face(i + 1, [0.03 * i] * 4, model) for i in range(30)]),
        "all": make_scan(
            [make_face(1, np.random.default_rng(0).random(3000), model, shown=(0, 9))]
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one", "three", "unscored", "many", "all"])
@pytest.mark.parametrize("plot", [plot_timeline, plot_statistics])
def test_plots_of_every_scan(model, tmp_path, plot, name):
    figure = plot(scans(model)[name], model.card)
    save_figure(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    if name == "three":  # the same every time
        save_figure(plot(scans(model)[name], model.card), tmp_path / "b.png")
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def texts(figure):
    import matplotlib.text

    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def test_the_timeline_shows_scores_threshold_and_what_was_not_usable(model):
    scan = make_scan([make_face(1, [0.9, 0.2, 0.4], model), make_face(2, [0.1] * 3, model)])
    figure = plot_timeline(scan, model.card)
    curve, strip = figure.axes
    first = curve.lines[1]
    assert first.get_xdata() == pytest.approx([0, 0.5, 1])
    probabilities = [frame.probability_fake for frame in scan.faces[0].frames]
    assert first.get_ydata() == pytest.approx(probabilities)
    assert any(line.get_ydata()[0] == pytest.approx(0.5) for line in curve.lines)
    assert any(patch.get_hatch() for patch in strip.patches)
    for part in (
        "face 1: INCONCLUSIVE (all together 0.50)",
        "face 2: FAKE (all together 0.93)",
        "SHA-256 abab",
    ):
        assert part in texts(figure)


@pytest.mark.parametrize("levels", [(0.02, 0.98), (0.84, 0.87), (0.5, 0.5), (0.97, 0.99)])
def test_names_of_levels_cover_neither_each_other_nor_a_curve(model, levels):
    fake, itself = levels
    verdict, pictures = make_face(1, [0.1, 0.15, 0.1], model)
    related = RelativeEvidence(1, 1 - itself, None, 1 - fake, fake)
    scan = make_scan([(replace(verdict, relative=related), pictures)])
    figure = plot_timeline(scan, model.card)
    figure.canvas.draw()
    curve = figure.axes[0]
    boxes = [text.get_window_extent() for text in curve.texts]
    assert len(boxes) == 4
    assert all(box.x0 > curve.bbox.x1 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_places_are_moved_apart_and_stay_in_order(places):
    spread = spread_apart(sorted(places), 0.1)
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in spread)
    assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(spread))
    apart = sorted(places)
    if all(b - a >= 0.1 for a, b in pairwise(apart)):
        assert spread == apart


def test_a_line_is_broken_where_the_face_was_away(model):
    verdict, pictures = make_face(1, [0.9] * 8, model)
    frames = verdict.frames[:4] + tuple(
        type(f)(f.frame, f.time + 4, f.score, f.log10_lr, f.confidence, f.box, f.quality)
        for f in verdict.frames[4:]
    )
    changed = type(verdict)(**(vars(verdict) | {"frames": frames}))
    line = plot_timeline(make_scan([(changed, pictures)]), model.card).axes[0].lines[1]
    assert np.isnan(line.get_ydata()).sum() == 1
    assert np.isnan(line.get_ydata()[4])


@pytest.mark.slow
def test_of_many_faces_the_most_suspicious_are_drawn(model):
    scan = scans(model)["many"]
    figure = plot_timeline(scan, model.card)
    assert f"the {MOST_FACES} most suspicious of 30 faces" in texts(figure)
    assert "face 8:" in texts(figure)
    assert "face 9:" not in texts(figure)
    assert draw_sheet(scan, show_faces(scan, model), model.card).shape[0] < 5000


def test_statistics_count_sides_and_runs(model):
    figure = plot_statistics(make_scan([make_face(1, [0.9, 0.2, 0.3, 0.1], model)]), model.card)
    _, sides, runs, *_ = figure.axes
    assert [bar.get_width() for bar in sides.patches] == pytest.approx([75, 0, 25])
    assert [bar.get_width() for bar in runs.patches] == [3, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one", "three", "unscored", "many", "all"])
def test_sheets_of_every_scan(model, name):
    scan = scans(model)[name]
    sheet = draw_sheet(scan, show_faces(scan, model), model.card)
    assert sheet.dtype == np.uint8
    assert sheet.min() < 60
    assert (sheet[:, :8] == 255).all()
    assert (sheet[:, -8:] == 255).all()
    assert (draw_sheet(scan, show_faces(scan, model), model.card) == sheet).all()


def test_a_sheet_without_a_face_says_so(model):
    sheet = draw_sheet(make_scan([]), (), model.card)
    assert (sheet < 100).any()


def test_the_sheet_shows_the_scored_pictures_themselves(model):
    plain = make_model(maps=False)
    scan = make_scan([make_face(1, [0.2, 0.8, 0.6], plain)])
    sheet = draw_sheet(scan, show_faces(scan, plain), plain.card)
    for level in (51, 204, 153):
        assert (sheet == level).all(axis=-1).sum() > 20_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["$x^2$.mp4", "a\x1b[31m.mp4", "😀漢字.mp4", "x" * 250, "$\\frac$"]
)
@pytest.mark.filterwarnings("error")
def test_hostile_names_are_drawn_as_they_are(model, tmp_path, name):
    scan = make_scan([make_face(1, [0.2] * 3, model)], name)
    assert len(signature(scan)) < 160
    assert signature(scan).isprintable()
    save_figure(plot_timeline(scan, model.card), tmp_path / "a.png")
    draw_sheet(scan, show_faces(scan, model), model.card)


@pytest.mark.slow
def test_frames_say_what_a_picture_looks_like(model):
    rows = {}
    for score, own in ((0.1, COLOURS[1]), (0.5, GREY), (0.9, COLOURS[0])):
        scan = make_scan([make_face(1, [score] * 3, model)])
        sheet = draw_sheet(scan, show_faces(scan, model), model.card)
        for colour in (COLOURS[0], COLOURS[1], GREY):
            rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
            # the upper and lower edges of three pairs of tiles
            edges = (sheet == rgb).all(axis=-1).sum(axis=1) >= 3 * 2 * 176
            assert edges.any() == (colour == own)
            rows[own] = rows.get(own, 0) + edges.sum()
    assert rows[COLOURS[1]] > rows[GREY] > rows[COLOURS[0]]
