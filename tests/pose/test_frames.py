from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scripted_estimator import ScriptedEstimator

from gaitproof.config import MediaLimits
from gaitproof.media.decode import Frame
from gaitproof.pose import frames
from gaitproof.pose.estimator import Detection


def test_an_error_of_the_estimator_ends_decoding_though_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[bool] = []

    def read(*_: object, **__: object) -> Iterator[Frame]:
        try:
            for number in range(3):
                yield Frame(number, number / 25, np.zeros((96, 160, 3), np.uint8))
        finally:
            ended.append(True)

    def fail(time: float) -> list[Detection]:
        raise ValueError("several people")

    monkeypatch.setattr(frames, "read_frames", read)
    with pytest.raises(ValueError, match="several") as caught:
        list(frames.estimate_frames("a.mp4", ScriptedEstimator(fail), MediaLimits()))
    assert caught.tb is not None
    assert ended == [True]
