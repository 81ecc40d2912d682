import numpy as np
import pytest

from gaitproof.bench.search import (
    MATED_COSINE,
    SIZE,
    draw_probes,
    draw_templates,
    run,
    search_table,
)


def test_drawn_templates_and_probes_are_as_far_apart_as_they_should_be():
    templates = np.concatenate(list(draw_templates(500)))
    assert templates.shape == (500, SIZE)
    assert np.allclose(np.linalg.norm(templates, axis=1), 1, atol=1e-5)
    cosines = (draw_probes(templates) * templates).sum(axis=1)
    assert np.median(cosines) == pytest.approx(MATED_COSINE, abs=0.01)


def test_the_figures_of_a_search_fit_each_other():
    pytest.importorskip("faiss", reason="NOT TESTED: faiss is not installed")
    figures = run(3000, probes=5)
    assert figures.recall_1 >= 0.8
    assert figures.file_mib == pytest.approx(3000 * SIZE * 4 / 2**20, rel=0.01)
    assert figures.index_mib > figures.file_mib
    assert search_table(figures).row_count == 9
