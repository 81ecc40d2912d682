import numpy as np
import pytest
from forged_stores import brightness_model, forged_store

from gaitproof.evaluate.face.evaluation import evaluate_faces
from gaitproof.evaluate.face.result import CONDITIONS
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.report import face_evaluation as plots


def made(count=300, seed=0):
    rng = np.random.default_rng(seed)
    genuine = rng.random(count) < 0.4
    scores = (0.4 + 0.2 * genuine + rng.normal(0, 0.15, count)).round(2).clip(0, 1)
    return FaceScores(scores, genuine, tuple((f"p{i % 20}",) for i in range(count)))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    stores = [
        forged_store(folder / "a $x$ [b]"),
        forged_store(folder / "genuine only", forgeries=()),
    ]
    model = brightness_model(folder / "m")
    return evaluate_faces(model, stores, conditions=CONDITIONS[:7], draws=50)


def texts(figure):
    drawn = []
    for axes in figure.axes:
        drawn += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        drawn += [text.get_text() for text in axes.texts]
        drawn += [tick.get_text() for tick in axes.get_xticklabels()]
        legend = axes.get_legend()
        drawn += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(drawn)


def test_precision_and_recall_are_those_of_scikit_learn():
    reference = pytest.importorskip("sklearn.metrics")
    scores = made()
    precision, recall, _ = reference.precision_recall_curve(~scores.genuine, -scores.scores)
    curve = plots.compute_precision_recall(scores)
    # the reference adds an end at which nothing is called forged
    np.testing.assert_allclose(curve[0], precision[:-1][::-1])
    np.testing.assert_allclose(curve[1], recall[:-1][::-1])


def test_roc_goes_through_the_points_of_scikit_learn():
    reference = pytest.importorskip("sklearn.metrics")
    scores = made()
    (axes,) = plots.plot_roc({"clips": scores}).axes
    line = axes.get_lines()[0]
    fpr, tpr, _ = reference.roc_curve(~scores.genuine, -scores.scores, drop_intermediate=False)
    np.testing.assert_allclose(np.sort(line.get_xdata()), np.sort(fpr), atol=1e-12)
    np.testing.assert_allclose(np.sort(line.get_ydata()), np.sort(tpr), atol=1e-12)
    area = reference.roc_auc_score(~scores.genuine, -scores.scores)
    assert f"AUC {area * 100:.1f} %" in texts(axes.figure)


@pytest.mark.slow
def test_confusion_shows_counts_and_no_rate_that_people_do_not_support(result):
    shown = texts(plots.plot_confusion(result.stores[0]))
    # nothing wrong with five genuine people still allows 45 %
    assert "0\n< 45.1 %" in shown
    # five swaps in a ring are of two pairs who share nobody
    assert "5\n< 77.7 %" in shown
    assert "called forged" in shown


@pytest.mark.slow
def test_scores_of_one_kind(result):
    shown = texts(plots.plot_scores(plots.clip_scores(result.stores[1].answers), result.threshold))
    assert "genuine (5)" in shown
    assert "forged" not in shown


@pytest.mark.slow
def test_sweep_has_a_part_for_every_kind_of_damage(result):
    figure = plots.plot_sweep(result.stores[0])
    assert [axes.get_xlabel() for axes in figure.axes] == ["JPEG quality", "H.264 CRF"]
    line = figure.axes[0].get_lines()[0]
    expected = [step.video.values["auc"].value for step in result.stores[0].sweep[1:5]]
    assert line.get_ydata().tolist() == expected


@pytest.mark.slow
def test_files(result, tmp_path):
    written = plots.save_face_plots(result, tmp_path)
    assert [path.name for path in written] == [
        "roc.png",
        "precision-recall.png",
        "confusion-1.png",
        "scores-1.png",
        "sweep-1.png",
        "confusion-2.png",
        "scores-2.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


@pytest.mark.slow
def test_pictures_are_the_same_every_time(result, tmp_path):
    first = [path.read_bytes() for path in plots.save_face_plots(result, tmp_path)]
    assert first == [path.read_bytes() for path in plots.save_face_plots(result, tmp_path)]
