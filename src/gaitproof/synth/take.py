"""Everything about one walk before it is drawn: motion, clothes, place, camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np

from gaitproof.errors import ConfigError
from gaitproof.synth.body import Skin, make_body
from gaitproof.synth.limbs import Outfit
from gaitproof.synth.motion import Motion, simulate
from gaitproof.synth.scene import Scene, random_scene
from gaitproof.synth.staging import Stage, Staging, make_staging, plan_stage
from gaitproof.synth.walker import Walker
from gaitproof.types import PoseSequence

ESTIMATOR: Final = "made-walker/1"
"""What ground-truth poses name as their estimator."""


@dataclass(frozen=True)
class Sensor:
    """Camera faults of one walk: blur in pixels, noise in grey levels, exposure, x264 CRF."""

    blur: float
    noise: float
    exposure: float
    crf: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Sensor:
        """Draw an ordinary camera."""
        return cls(
            blur=float(rng.uniform(0.0, 0.55)),
            noise=float(rng.uniform(0.6, 3.0)),
            exposure=float(rng.uniform(0.88, 1.12)),
            crf=float(rng.uniform(19, 26)),
        )


@dataclass(frozen=True, eq=False)
class Take:
    """Everything that fixes the frames of one walk but the head; made by `prepare`."""

    walker: Walker
    seed: int
    size: tuple[int, int]
    frame_rate: float
    motion: Motion
    staging: Staging
    scene: Scene
    sensor: Sensor
    body: Skin
    stage: str

    def truth(self) -> PoseSequence:
        """Return the true landmarks: pixels, and metres in camera axes (origin: the camera)."""
        scene = self.staging.place(self.motion.joints)
        image = self.staging.camera.project(scene)
        inside = ((image >= 0) & (image < np.array(self.size))).all(axis=2)
        return PoseSequence(
            timestamps=self.motion.times,
            image=image.astype(np.float32),
            world=self.staging.camera.to_camera(scene).astype(np.float32),
            visibility=inside.astype(np.float32),
            frame_size=self.size,
            estimator=ESTIMATOR,
        )


class Film(TypedDict, total=False):
    """How a walk is filmed."""

    seconds: float
    size: tuple[int, int]
    """(width, height) in pixels, even."""
    frame_rate: float
    stage: Stage
    """``pass``: one straight crossing; ``treadmill``: in place on a belt; ``auto``: a pass where
    it fits the frame, else a treadmill."""


def prepare(
    walker: Walker,
    *,
    view: float,
    seed: int,
    seconds: float = 6.0,
    size: tuple[int, int] = (640, 360),
    frame_rate: float = 30.0,
    stage: Stage = "auto",
) -> Take:
    """Draw everything about a walk but the frames; see `render_walk` for the parameters."""
    if size[0] % 2 or size[1] % 2 or min(size) < 64 or max(size) > 4096:
        raise ConfigError(
            "The frame size cannot be used.",
            expected="even sides of 64 to 4096 pixels",
            actual=f"{size[0]}x{size[1]}",
        )
    if not -180 <= view <= 180:
        raise ConfigError("A view is -180 to 180 degrees.", actual=f"{view:g}")
    if seed < 0:
        raise ConfigError("The seed of a walk must not be negative.", actual=str(seed))
    rng = np.random.default_rng([walker.seed, seed, 0xC119])
    motion = simulate(walker, seed=seed, seconds=seconds, frame_rate=frame_rate)
    length = float(motion.joints[-1, 23, 2] - motion.joints[0, 23, 2])
    chosen = plan_stage(size, length, view, walker.build.height, stage)
    if chosen == "treadmill":
        motion = simulate(walker, seed=seed, seconds=seconds, frame_rate=frame_rate, treadmill=True)
    height = walker.build.height
    staging = make_staging(
        motion, rng, size=size, view=view, height=height, treadmill=chosen == "treadmill"
    )
    belt = None
    if chosen == "treadmill":
        belt = (float(staging.shift[0]), float(staging.shift[2]), 2.3, 0.75, staging.heading)
    scene = random_scene(rng, staging.farthest, belt)
    outfit_seed = int(rng.integers(2**31))
    return Take(
        walker=walker,
        seed=seed,
        size=size,
        frame_rate=frame_rate,
        motion=motion,
        staging=staging,
        scene=scene,
        sensor=Sensor.random(rng),
        body=make_body(walker, Outfit.random(outfit_seed, walker.head.skin), outfit_seed),
        stage=chosen,
    )
