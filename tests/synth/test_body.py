from __future__ import annotations

import numpy as np
import pytest

from gaitproof.synth.body import Skin, join, make_body
from gaitproof.synth.head import make_head
from gaitproof.synth.limbs import Outfit
from gaitproof.synth.motion import simulate
from gaitproof.synth.shapes import Cone, Ellipsoid, Grid, smooth_min, surface
from gaitproof.synth.skeleton import N_BONES, landmarks, rest_bones
from gaitproof.synth.walker import HAIR_STYLES, Walker


@pytest.fixture(scope="module")
def skin() -> Skin:
    walker = Walker.random(1)
    body = make_body(walker, Outfit.random(1), 1)
    return join(body, make_head(walker.head, walker.build))


def test_a_ball_has_the_surface_of_a_ball() -> None:
    ball = Ellipsoid((0.1, 0.2, 0.3), (0.2, 0.2, 0.2))
    grid = Grid.around([ball], 0.02, 0.05)
    vertices, normals, triangles = surface(grid, grid.fill([ball], 0.0))
    offset = vertices - np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(np.linalg.norm(offset, axis=1), 0.2, atol=1e-3)
    # normals and the triangles' winding both point outwards
    assert np.einsum("ij,ij->i", normals, offset / 0.2).min() > 0.98
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.2**3, rel=0.03)


def test_cone_distance_is_exact_beside_and_beyond_a_capsule() -> None:
    capsule = Cone((0, 0, 0), (0, 1, 0), 0.1, 0.1)
    points = np.array([[0.5, 0.5, 0], [0, 1.5, 0], [0, 0.5, 0], [0.3, -0.4, 0]], np.float32)
    np.testing.assert_allclose(capsule.distance(points), [0.4, 0.4, -0.1, 0.4], atol=1e-6)


def test_blending_only_adds_material() -> None:
    a, b = (np.linspace(-1, 1, 51, dtype=np.float32), np.linspace(1, -1, 51, dtype=np.float32))
    blended = smooth_min(a, b, 0.2)
    assert (blended <= np.minimum(a, b) + 1e-7).all()
    assert (np.minimum(a, b) - blended).max() == pytest.approx(0.05, abs=1e-6)
    np.testing.assert_array_equal(smooth_min(a, b, 0.0), np.minimum(a, b))


def test_the_skin_is_well_formed(skin: Skin) -> None:
    n = len(skin.vertices)
    assert skin.weights.shape == (n, N_BONES)
    np.testing.assert_allclose(skin.weights.sum(axis=1), 1, atol=1e-5)
    assert (skin.weights >= 0).all()
    assert skin.triangles.max() == n - 1
    assert skin.triangles.min() == 0
    assert np.isfinite(skin.normals).all()
    assert ((skin.colours >= 0) & (skin.colours <= 1)).all()
    assert 0 < skin.is_head.sum() < n
    # standing on the floor, as tall as the person
    height = Walker.random(1).build.height
    assert skin.vertices[:, 1].min() == pytest.approx(0, abs=0.004)
    assert skin.vertices[:, 1].max() == pytest.approx(height, abs=0.08)


def test_the_rest_pose_moves_nothing(skin: Skin) -> None:
    points, normals = skin.pose(skin.rest, 0)
    np.testing.assert_allclose(points, skin.vertices, atol=1e-5)
    np.testing.assert_allclose(normals, skin.normals, atol=1e-4)


def test_the_skin_follows_the_joints(skin: Skin) -> None:
    walker = Walker.random(1)
    motion = simulate(walker, seed=1, seconds=1, treadmill=True)
    for frame in (0, 10, 20):
        points, _ = skin.pose(motion.bones, frame)
        assert points[:, 1].min() > -0.03
        # every landmark lies in or on the body
        gaps = np.linalg.norm(points[None] - motion.joints[frame][:, None], axis=2).min(axis=1)
        assert gaps.max() < 0.11


def test_landmarks_are_mirror_images_in_the_rest_pose() -> None:
    build = Walker.random(3).build
    points = landmarks(build, rest_bones(build))[0]
    left, right = points[11::2], points[12::2]
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-9)
    assert (left[:, 0] > 0).all()


def test_clothes_change_and_are_not_the_colour_of_the_skin() -> None:
    bare = (0.83, 0.64, 0.49)
    outfits = [Outfit.random(seed, bare) for seed in range(30)]
    assert len({o.top for o in outfits}) == 30
    assert all(np.abs(np.array(o.top) - bare).max() >= 0.2 for o in outfits)
    assert Outfit.random(7) == Outfit.random(7)


def test_a_body_does_not_depend_on_the_head_it_carries() -> None:
    walker, other = Walker.random(1), Walker.random(9)
    a, b = (make_head(w.head, walker.build) for w in (walker, other))
    assert a.vertices.shape != b.vertices.shape or not np.allclose(a.vertices, b.vertices)
    for head in (a, b):
        size = np.ptp(head.vertices[:, 1]) / walker.build.height
        assert 0.12 < size < 0.28


@pytest.mark.slow
@pytest.mark.parametrize("style", HAIR_STYLES)
def test_every_hair_style_can_be_made(style: str) -> None:
    from dataclasses import replace

    walker = Walker.random(1)
    hair = (0.9, 0.1, 0.9)
    head = make_head(replace(walker.head, style=style, hair=hair), walker.build)
    purple = (head.colours[:, 0] > 0.4) & (head.colours[:, 1] < 0.1) & (head.colours[:, 2] > 0.4)
    assert (purple.mean() > 0.15) == (style != "bald")
