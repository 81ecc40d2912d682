"""Similarities in units of how alike the people of the reference footage look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.verify.evidence import offset, relative_cosines
from gaitproof.verify.scaled import CENTRE_WEIGHT, LEAST_SPREAD, SPREAD_WEIGHT, scaled_cosines


def draw(seed, count, size=16, alike=1.0):
    """A probe, two templates and people, `alike` of whose directions differ."""
    rng = np.random.default_rng(seed)
    weights = np.where(np.arange(size) < 2, 1.0, alike)
    rows = rng.normal(size=(count + 3, size)) * weights + 2 * rng.normal(size=size)
    return rows[0], rows[1:3], np.stack([rows[3:]] * 2)


@pytest.mark.parametrize("count", range(1, LEAST_SPREAD))
def test_with_few_people_it_is_the_cosine_about_their_centre(count):
    probe, templates, people = draw(1, count)
    centre = offset(people[0], CENTRE_WEIGHT)
    expected = relative_cosines(probe[None], templates, centre)
    assert scaled_cosines(probe, templates, people) == pytest.approx(expected)


@given(st.integers(0, 1000), st.integers(LEAST_SPREAD, 8))
def test_the_cosine_is_divided_by_how_much_cosines_of_strangers_differ(seed, count):
    probe, templates, people = draw(seed, count)
    spreads = []
    for template in templates:
        kinds = ([], [], [])
        for i in range(count):
            rest = offset(np.delete(people[0], i, axis=0), CENTRE_WEIGHT)
            for kind, one in ((0, probe), (1, template)):
                kinds[kind].append(float(relative_cosines(one, people[0][i], rest)))
            for j in range(i):
                both = people[0][[k for k in range(count) if k not in (i, j)]]
                kinds[2].append(float(relative_cosines(*people[0][[i, j]], offset(both, 0.25))))
        spreads.append(np.mean([np.var(kind) for kind in kinds]))
    share = count / (count + SPREAD_WEIGHT)
    cosines = relative_cosines(probe[None], templates, offset(people[0], CENTRE_WEIGHT))
    expected = 0.2 * cosines / np.sqrt((1 - share) * 0.04 + share * np.array(spreads))
    scaled = scaled_cosines(probe, templates, people)
    assert scaled == pytest.approx(np.clip(expected, -1, 1))


def test_strangers_who_differ_in_little_are_held_to_more():
    """With everything but two directions the same, cosines of strangers reach far."""
    kept = []
    for alike in (1.0, 0.05):
        cosines = [scaled_cosines(*draw(seed, 8, alike=alike)) for seed in range(60)]
        plain = [
            relative_cosines(p[None], t, offset(o[0], CENTRE_WEIGHT))
            for p, t, o in (draw(seed, 8, alike=alike) for seed in range(60))
        ]
        kept.append((np.quantile(cosines, 0.9), np.quantile(plain, 0.9)))
    (usual, usual_plain), (alike, alike_plain) = kept
    assert alike_plain - usual_plain > 2 * abs(alike - usual)
