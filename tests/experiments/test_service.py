"""What the experiment on the service counts."""

import pytest

from experiments.service.run import Answers
from experiments.service.server import Server
from gaitproof.client import Problem, ServiceError
from gaitproof.errors import DependencyError


def test_answers_are_counted_and_timed():
    answers = Answers()

    def refuse():
        raise ServiceError(Problem(status=429))

    assert answers.time("verify", refuse) is None
    assert answers.time("verify", lambda: 7) == 7
    assert answers.statuses == {429: 1, 200: 1}
    answers.seconds["verify"] = [0.1] * 99 + [0.3]
    percentiles = answers.percentiles()["verify"]
    assert percentiles["count"] == 100
    assert percentiles["p50"] == pytest.approx(100)
    assert percentiles["max"] == pytest.approx(300)


@pytest.mark.slow
def test_a_service_that_does_not_start_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DependencyError, match="does not start"), Server(tmp_path / "file"):
        pass
