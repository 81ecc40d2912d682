"""One walk as a video with its true joints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ConfigError
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.formats.npz import save_npz
from gaitproof.synth.body import Outfit, Skin, join, make_body
from gaitproof.synth.head import make_head
from gaitproof.synth.motion import Motion, simulate
from gaitproof.synth.raster import Rasteriser
from gaitproof.synth.scene import Scene, draw_scene, random_scene
from gaitproof.synth.staging import Stage, Staging, make_staging, plan_stage
from gaitproof.synth.walker import Head, Walker
from gaitproof.types import PoseSequence

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

ESTIMATOR: Final = "made-walker/1"
"""What ground-truth poses name as their estimator."""

OVERSAMPLING: Final = 2
"""Body samples per pixel side (anti-aliasing)."""

_TO_SRGB: Final = (255 * np.linspace(0, 1, 4096) ** (1 / 2.2) + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class Clip:
    """What `render_walk` made."""

    video: Path
    truth: Path
    pose: PoseSequence
    speed: float
    cadence: float
    stage: str


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
    """Everything that fixes the pictures of one walk but the head; made by `prepare`."""

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
    """Draw everything about a walk but the pictures; see `render_walk` for the parameters."""
    if size[0] % 2 or size[1] % 2 or min(size) < 64 or max(size) > 4096:
        raise ConfigError(
            "The picture size cannot be used.",
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
    chosen = plan_stage(size, length, view, stage)
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
        body=make_body(walker, Outfit.random(outfit_seed), outfit_seed),
        stage=chosen,
    )


def _shade(take: Take, skin: Skin, normals: Float32, points: NDArray[np.float64]) -> UInt8:
    """Return the lit sRGB colours (V, 3) of the vertices; `normals` in scene axes."""
    light = take.scene.light
    direction = np.array(light.direction, np.float32)
    facing = normals @ direction
    # cloth and skin let some light around the edge
    key = np.clip((facing + 0.18) / 1.18, 0, 1) * light.key
    sky = light.ambient * (0.74 + 0.26 * normals[:, 1])
    eye = np.array([0, take.staging.camera.height, 0]) - points
    eye = (eye / np.sqrt(np.einsum("ij,ij->i", eye, eye))[:, None]).astype(np.float32)
    half = eye + direction
    half /= np.sqrt(np.einsum("ij,ij->i", half, half))[:, None]
    shine = skin.gloss * np.clip(np.einsum("ij,ij->i", half, normals), 0, 1) ** 18 * light.key
    tint = np.array([1 + light.warmth, 1.0, 1 - light.warmth], np.float32)
    lit = skin.colours * (key + sky)[:, None] * tint + shine[:, None]
    return _TO_SRGB[np.clip(lit * 4095, 0, 4095).astype(np.uint16)]


def _shadow(take: Take, points: NDArray[np.float64]) -> Float32:
    """Return the shadow's strength (H, W) on the floor, from the key light and the sky."""
    width, height = take.size
    light = take.scene.light
    toward = np.array(light.direction)
    some = points[::5]
    cast = some - toward * (some[:, 1:2] / toward[1])
    near = some[some[:, 1] < 0.35]
    mask = np.zeros((height // 2, width // 2), np.float32)
    contact = np.zeros_like(mask)
    for store, floor in ((mask, cast), (contact, near * np.array([1.0, 0.0, 1.0]))):
        pixel = np.floor(take.staging.camera.project(floor) / 2).astype(int)
        ok = (pixel >= 0).all(axis=1) & (pixel[:, 0] < width // 2) & (pixel[:, 1] < height // 2)
        store[pixel[ok, 1], pixel[ok, 0]] = 1
    # the projected vertices are dots: closing joins them before the light's softness blurs them
    kernel = np.ones((3, 3), np.uint8)
    mask = cv2.GaussianBlur(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), (0, 0), light.softness)
    contact = cv2.GaussianBlur(cv2.dilate(contact, kernel), (0, 0), 1.6)
    both = light.shadow * np.clip(mask * 1.2, 0, 1) + 0.35 * np.clip(contact * 1.1, 0, 1)
    return cv2.resize(np.clip(both, 0, 0.75), take.size, interpolation=cv2.INTER_LINEAR)


def _crop_size(take: Take) -> tuple[int, int]:
    """Return the (width, height) in pixels of a box that holds the body in every frame."""
    image = take.truth().image
    assert image is not None
    span = image.max(axis=1) - image.min(axis=1)
    tallest = float(span[:, 1].max())
    # hair above the eyes, soles below the ankles, hands and coats beside the joints
    width, height = span[:, 0].max() + 0.16 * tallest, 1.22 * tallest
    return int(np.ceil(width / 2) * 2), int(np.ceil(height / 2) * 2)


def _projections(take: Take, box: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the left top corner of the box around the body in every frame."""
    image = take.truth().image
    assert image is not None
    low, high = image.min(axis=1), image.max(axis=1)
    middle = 0.5 * (low + high)
    middle[:, 1] -= 0.03 * (high[:, 1] - low[:, 1])
    corners = np.rint(middle - np.array(box) / 2).astype(int)
    return [(int(x), int(y)) for x, y in corners]


def _over(picture: UInt8, layer: UInt8, left: int, top: int) -> None:
    """Lay a premultiplied RGBA picture over an RGB picture in place, cut at its edges."""
    height, width = picture.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + layer.shape[1], width), min(top + layer.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    part = layer[y0 - top : y1 - top, x0 - left : x1 - left]
    below = picture[y0:y1, x0:x1]
    rest = 255 - part[..., 3:].astype(np.uint16)
    below[:] = np.minimum(part[..., :3] + (below * rest + 127) // 255, 255).astype(np.uint8)


def clean_frames(take: Take, head: Head) -> Iterator[tuple[UInt8, UInt8]]:
    """Draw the pictures of a walk before the camera's faults.

    Parameters
    ----------
    take
        The walk.
    head
        Whose head it carries.

    Yields
    ------
    tuple of ndarray
        Picture (H, W, 3) and the head's mask (H, W), uint8: 255 where the head is on top.
    """
    head_skin = make_head(head, take.walker.build)
    skin = join(take.body, head_skin)
    staging = take.staging
    background = draw_scene(take.scene, staging.camera)
    box = _crop_size(take)
    corners = _projections(take, box)
    raster_size = (box[0] * OVERSAMPLING, box[1] * OVERSAMPLING)
    turn = staging.turn.astype(np.float32)
    with Rasteriser(skin.triangles, len(skin.vertices), raster_size) as raster:
        for frame, (left, top) in enumerate(corners):
            points, normals = skin.pose(take.motion.bones, frame)
            scene_points = staging.place(points)
            colours = _shade(take, skin, normals @ turn.T, scene_points)
            projection = staging.camera.clip_matrix((left, top, left + box[0], top + box[1]))
            drawn = raster.draw(staging.camera.to_camera(scene_points), colours, projection)
            layer = cv2.resize(drawn, box, interpolation=cv2.INTER_AREA)
            shade = _shadow(take, scene_points)
            picture = (background * (1 - shade)[..., None]).astype(np.uint8)
            _over(picture, layer, left, top)
            yield picture, _head_mask(take, scene_points[skin.is_head])


def _head_mask(take: Take, points: NDArray[np.float64]) -> UInt8:
    """Return the filled outline (H, W) of the head's vertices."""
    mask = np.zeros((take.size[1], take.size[0]), np.uint8)
    pixels = np.rint(take.staging.camera.project(points[::3])).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(pixels), 255)
    return mask


class Faults:
    """The camera's faults, frame by frame; the same for every head on the same walk."""

    def __init__(self, take: Take, salt: int = 0) -> None:
        rng = np.random.default_rng([take.walker.seed, take.seed, salt, 0x5E20])
        width, height = take.size
        self._sensor = take.sensor
        # a tile somewhat larger than the picture, read at random places
        tile = rng.normal(0, take.sensor.noise, (height + 64, width + 64, 3))
        self._tile = tile.astype(np.int16)
        self._size = (width, height)
        self._rng = rng

    def __call__(self, picture: UInt8) -> UInt8:
        """Return the picture as the camera sees it."""
        if self._sensor.blur > 0.2:
            picture = cv2.GaussianBlur(picture, (0, 0), self._sensor.blur)
        picture = cv2.convertScaleAbs(picture, alpha=self._sensor.exposure)
        width, height = self._size
        y, x = self._rng.integers(64, size=2)
        noise = self._tile[y : y + height, x : x + width]
        return cv2.add(picture.astype(np.int16), noise).clip(0, 255).astype(np.uint8)


def render_walk(
    walker: Walker,
    *,
    view: float,
    seed: int,
    out: Path,
    seconds: float = 6.0,
    size: tuple[int, int] = (640, 360),
    frame_rate: float = 30.0,
    stage: Stage = "auto",
    swap_with: Walker | None = None,
) -> Clip:
    """Make a video of a walk and a file with its true joints.

    Parameters
    ----------
    walker
        Who walks.
    view
        Degrees between walking direction and camera: 0 frontal, 90 from the side; 30 to 60 is
        what pose estimators follow best. Left or right is drawn.
    seed
        Draws this walk: day-to-day change of gait, clothes, place, light, camera.
    out
        The video, ``*.mp4``; the truth goes beside it as ``*.npz``. Both appear whole or not.
    seconds, frame_rate
        Length of the clip.
    size
        (width, height) in pixels, even.
    stage
        ``pass``: one straight crossing; ``treadmill``: in place on a belt; ``auto``: a pass where
        it fits the picture, else a treadmill.
    swap_with
        Whose head the walker carries: an ideal face swap, in the very pictures; see
        `gaitproof.synth.faceswap` for one made of a finished video.

    Returns
    -------
    Clip
        Paths, and the truth as a pose sequence.

    Raises
    ------
    ConfigError
        If a parameter is out of range.
    DependencyError
        If the renderer is missing.
    """
    take = prepare(
        walker, view=view, seed=seed, seconds=seconds, size=size, frame_rate=frame_rate, stage=stage
    )
    faults = Faults(take)
    head = (swap_with or walker).head
    with VideoWriter(out, frame_rate, size, crf=take.sensor.crf) as writer:
        for picture, _ in clean_frames(take, head):
            writer.write(faults(picture))
    truth = take.truth()
    path = out.with_suffix(".npz")
    save_npz(path, truth)
    return Clip(out, path, truth, take.motion.speed, take.motion.cadence, take.stage)
