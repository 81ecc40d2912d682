"""What tests let a cluster do: functions that its processes can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from scripted_estimator import ScriptedEstimator

from gaitproof.pose.estimator import Detection


def someone(time: float) -> list[Detection]:
    """One person who moves to the right."""
    image = np.full((33, 2), (40 + 20 * time, 48), np.float32)
    image[0, 1], image[29:33, 1] = 8, 88
    return [Detection(image, np.full((33, 3), time), np.full(33, 0.9))]


def scripted() -> ScriptedEstimator:
    """Return an estimator that sees `someone`."""
    return ScriptedEstimator(someone)


def die_once(folder: Path, number: int) -> int:
    """Note the attempt; the first one ends the process."""
    attempts = folder / str(number)
    with attempts.open("a") as file:
        file.write("x")
    if attempts.stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


def die(number: int) -> int:
    """End the process for an odd number."""
    if number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


class Mortal:
    """Makes estimators; so many of them end their process first, each in its turn."""

    def __init__(self, folder: Path, deaths: int) -> None:
        self._folder, self._deaths = folder, deaths

    def __call__(self) -> ScriptedEstimator:
        """Die, or return an estimator."""
        for number in range(self._deaths):
            try:
                (self._folder / f"death-{number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return scripted()
