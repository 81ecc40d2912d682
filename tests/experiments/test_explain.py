from __future__ import annotations

from functools import partial

import pytest
from sticks import walking_points

from experiments.explain import command, dataset
from experiments.explain import run as bench
from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.explain.methods import WITHOUT_GRADIENTS
from gaitproof.nets.onnx import OnnxEncoder

pytestmark = pytest.mark.slow  # what all of them share takes long


def walks(people=4, each=3):
    return [
        Recording(f"p{person}", f"w{walk}", "", "", "made", *walking_points(person, walk, 3.0))
        for person in range(people)
        for walk in range(each)
    ]


@pytest.fixture(scope="module")
def results():
    with pytest.MonkeyPatch.context() as patch:
        # a fraction of the work that figures need: what is asserted holds all the same
        patch.setattr(dataset, "delete_parts", partial(dataset.delete_parts, draws=3))
        patch.setattr("gaitproof.explain.trust.DRAWS", 3)
        patch.setattr("gaitproof.explain.gradients.STEPS", 8)
        return bench.run(walks(), OnnxEncoder.load("blend"), enrolled=2, windows=1, draws=100)


def test_every_method_explains_everybody(results):
    assert [r.method for r in results] == list(bench.METHODS)
    for result in results:
        assert result.people == 4
        assert len(result.joints) == 12
        assert result.seconds > 0
        for trust in (result.parts, result.moments):
            assert trust.gain.value == pytest.approx(trust.random_area.value - trust.area.value)
            assert trust.gain.low <= trust.gain.value <= trust.gain.high
            assert -1 <= trust.sanity.value <= 1
        # taking parts away in the explanation's order hurts more than in random orders
        if result.method in WITHOUT_GRADIENTS:
            assert result.parts.gain.low > 0


def test_tables_and_json_hold_what_was_found(results):
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as captured:
        console.print(command.trust_table(results))
        console.print(command.importance_table(results[0]))
    text = captured.get()
    assert "occlusion" in text
    assert "left knee" in text
    assert f"{results[0].parts.gain.value:+.3f}" in text
    assert results[0].to_dict()["parts"]["gain"]["value"] == results[0].parts.gain.value


def test_too_few_people_are_refused():
    with pytest.raises(InputError, match="too few people"):
        bench.run(walks(people=2), OnnxEncoder.load("blend"), enrolled=2)
