"""Drawing the frames of a walk: the lit body over its place, then the camera's faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.body import Skin, join
from gaitproof.synth.head import make_head
from gaitproof.synth.raster import Rasteriser
from gaitproof.synth.scene import draw_scene
from gaitproof.synth.take import Take
from gaitproof.synth.walker import Head

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

OVERSAMPLING: Final = 2
"""Body samples per pixel side (anti-aliasing)."""

SHADOW_WIDTH: Final = 320
"""Longer side of the mask in which shadows are drawn, pixels."""

_TO_SRGB: Final = (255 * np.linspace(0, 1, 4096) ** (1 / 2.2) + 0.5).astype(np.uint8)


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
    colours: UInt8 = _TO_SRGB[np.clip(lit * 4095, 0, 4095).astype(np.uint16)]
    return colours


def _shadow(take: Take, points: NDArray[np.float64]) -> Float32:
    """Return the shadow's strength (H, W) on the floor, from the key light and the sky."""
    # a coarse mask: shadows are soft, and the vertices must lie closer than its pixels
    scale = max(take.size) / SHADOW_WIDTH
    width, height = (round(side / scale) for side in take.size)
    light = take.scene.light
    toward = np.array(light.direction)
    some = points[::5]
    cast = some - toward * (some[:, 1:2] / toward[1])
    near = some[some[:, 1] < 0.35]
    mask = np.zeros((height, width), np.float32)
    contact = np.zeros_like(mask)
    for store, floor in ((mask, cast), (contact, near * np.array([1.0, 0.0, 1.0]))):
        pixel = np.floor(take.staging.camera.project(floor) / scale).astype(int)
        ok = (pixel >= 0).all(axis=1) & (pixel < (width, height)).all(axis=1)
        store[pixel[ok, 1], pixel[ok, 0]] = 1
    # the projected vertices are dots: closing joins them before the light's softness blurs them
    kernel = np.ones((3, 3), np.uint8)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    cast_share = cv2.GaussianBlur(closed, (0, 0), light.softness)
    contact_share = cv2.GaussianBlur(cv2.dilate(contact, kernel), (0, 0), 1.6)
    both = light.shadow * np.clip(cast_share * 1.2, 0, 1)
    both = np.clip(both + 0.35 * np.clip(contact_share * 1.1, 0, 1), 0, 0.75)
    strength = cv2.resize(both, take.size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(strength, np.float32)


def _crop_size(image: Float64) -> tuple[int, int]:
    """Return the (width, height) of a box that holds the body in every frame.

    `image` are the landmarks in pixels, (T, 33, 2).
    """
    span = image.max(axis=1) - image.min(axis=1)
    tallest = float(span[:, 1].max())
    # hair above the eyes, soles below the ankles, hands and coats beside the joints
    width, height = span[:, 0].max() + 0.16 * tallest, 1.22 * tallest
    return int(np.ceil(width / 2) * 2), int(np.ceil(height / 2) * 2)


def _corners(image: Float64, box: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the left top corner of the box around the body in every frame."""
    low, high = image.min(axis=1), image.max(axis=1)
    middle = 0.5 * (low + high)
    middle[:, 1] -= 0.03 * (high[:, 1] - low[:, 1])
    corners = np.rint(middle - np.array(box) / 2).astype(int)
    return [(int(x), int(y)) for x, y in corners]


def _over(image: UInt8, layer: UInt8, left: int, top: int) -> None:
    """Lay a premultiplied RGBA frame over an RGB frame in place, cut at its edges."""
    height, width = image.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + layer.shape[1], width), min(top + layer.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    part = layer[y0 - top : y1 - top, x0 - left : x1 - left]
    below = image[y0:y1, x0:x1]
    rest = 255 - part[..., 3:].astype(np.uint16)
    below[:] = np.minimum(part[..., :3] + (below * rest + 127) // 255, 255).astype(np.uint8)


def clean_frames(
    take: Take, head: Head, background: UInt8 | None = None
) -> Iterator[tuple[UInt8, UInt8]]:
    """Draw the frames of a walk before the camera's faults.

    Parameters
    ----------
    take
        The walk.
    head
        Whose head it carries.
    background
        The place, if it is drawn already.

    Yields
    ------
    tuple of ndarray
        Frame (H, W, 3) and the head's mask (H, W), uint8: 255 where the head is on top.
    """
    skin = join(take.body, make_head(head, take.walker.build))
    if background is None:
        background = draw_scene(take.scene, take.staging.camera)
    for layer, (left, top), scene_points in _layers(take, skin):
        shade = _shadow(take, scene_points)
        image = (background * (1 - shade)[..., None]).astype(np.uint8)
        _over(image, layer, left, top)
        yield image, _head_mask(take, scene_points[skin.is_head])


def body_masks(take: Take, head: Head) -> Iterator[NDArray[np.bool_]]:
    """Yield for every frame of `clean_frames` what the body covers, shape (H, W)."""
    skin = join(take.body, make_head(head, take.walker.build))
    for layer, (left, top), _ in _layers(take, skin):
        frame = np.zeros((take.size[1], take.size[0], 3), np.uint8)
        _over(frame, layer[..., [3, 3, 3, 3]], left, top)
        yield frame[..., 0] >= 128


def _layers(take: Take, skin: Skin) -> Iterator[tuple[UInt8, tuple[int, int], Float64]]:
    """Yield the lit body (premultiplied RGBA), its left top corner, and its vertices' places."""
    staging = take.staging
    image = staging.camera.project(staging.place(take.motion.joints))
    box = _crop_size(image)
    raster_size = (box[0] * OVERSAMPLING, box[1] * OVERSAMPLING)
    turn = staging.turn.astype(np.float32)
    with Rasteriser(skin.triangles, len(skin.vertices), raster_size) as raster:
        for frame, (left, top) in enumerate(_corners(image, box)):
            points, normals = skin.pose(take.motion.bones, frame)
            scene_points = staging.place(points)
            colours = _shade(take, skin, normals @ turn.T, scene_points)
            projection = staging.camera.clip_matrix((left, top, left + box[0], top + box[1]))
            drawn = raster.draw(staging.camera.to_camera(scene_points), colours, projection)
            layer = np.asarray(cv2.resize(drawn, box, interpolation=cv2.INTER_AREA), np.uint8)
            yield layer, (left, top), scene_points


def _head_mask(take: Take, points: NDArray[np.float64]) -> UInt8:
    """Return the filled outline (H, W) of the head's vertices."""
    mask = np.zeros((take.size[1], take.size[0]), np.uint8)
    pixels = np.rint(take.staging.camera.project(points[::3])).astype(np.int32)
    cv2.fillConvexPoly(mask, np.asarray(cv2.convexHull(pixels), np.int32), (255,))
    return mask


class Faults:
    """The camera's faults, frame by frame.

    Parameters
    ----------
    take
        The walk that is filmed.
    salt
        Another number gives other noise of the same strength.
    """

    def __init__(self, take: Take, salt: int = 0) -> None:
        rng = np.random.default_rng([take.walker.seed, take.seed, salt, 0x5E20])
        width, height = take.size
        self._sensor = take.sensor
        # a tile somewhat larger than the frame, read at random places
        tile = rng.normal(0, take.sensor.noise, (height + 64, width + 64, 3))
        self._tile = tile.astype(np.int16)
        self._size = (width, height)
        self._rng = rng

    def __call__(self, image: UInt8) -> UInt8:
        """Return the frame as the camera sees it."""
        blurred = image
        if self._sensor.blur > 0.2:
            blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), self._sensor.blur), np.uint8)
        exposed = np.asarray(cv2.convertScaleAbs(blurred, alpha=self._sensor.exposure), np.int16)
        width, height = self._size
        y, x = self._rng.integers(64, size=2)
        noise = self._tile[y : y + height, x : x + width]
        return np.clip(exposed + noise, 0, 255).astype(np.uint8)
