import pytest

from gaitproof.report.plots import plot_agreement
from gaitproof.types.preservation import Agreement, Outcome, Preservation

AGREEMENT = Agreement(
    0.9, 0.99, 0.9, 0.9, 0.01, 0.95, {"left_knee": 0.97, "right_foot_index": 0.4, "left_hip": -0.2}
)


def made(agreement, floor=None):
    return Preservation(
        Outcome.PRESERVED, "", None, None, agreement, floor, None, "a", "b", "", "", "gaitproof"
    )


def test_every_joint_has_its_bars():
    (axes,) = plot_agreement(made(AGREEMENT, AGREEMENT)).axes
    assert len(axes.patches) == 6
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "left knee",
        "right toe",
        "left hip",
    ]
    assert axes.get_xlim()[0] <= -0.2
    (alone,) = plot_agreement(made(AGREEMENT)).axes
    assert len(alone.patches) == 3


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="no agreement"):
        plot_agreement(made(None))
