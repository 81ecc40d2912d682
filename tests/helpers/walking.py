"""A stick figure that walks by formula, so that every true value is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gaitproof.types import Landmark, PoseSequence

THIGH, SHANK, TORSO = 0.42, 0.42, 0.5
HIPS, SHOULDERS = 0.2, 0.36
PIXELS = 250.0
"""Pixels per metre of the image."""


def foot_ahead(phase, part):
    """Metres that the ankle, heel or toe is ahead of the hip, and its height over the hip."""
    hip = 0.4 * np.sin(phase)
    knee = 0.1 + 0.4 * (1 + np.sin(phase + 0.9)) / 2
    ahead = THIGH * np.sin(hip) + SHANK * np.sin(hip - knee)
    up = -THIGH * np.cos(hip) - SHANK * np.cos(hip - knee)
    pitch = 0.3 * np.sin(phase + 0.4)
    along, down = {"ankle": (0, 0), "heel": (-0.05, -0.06), "toe": (0.16, -0.06)}[part]
    return (
        ahead + along * np.cos(pitch) - down * np.sin(pitch),
        up + along * np.sin(pitch) + down * np.cos(pitch),
    )


def make_walk(
    seconds=4.0,
    rate=30.0,
    *,
    stride_rate=0.9,
    yaw=0.0,
    noise=0.0,
    seed=0,
    times=None,
    heels=True,
    world=True,
    image=True,
    gain=1.0,
):
    """Walk towards `yaw` (radians; 0 to the right of the image, pi/2 to the camera).

    `stride_rate` in Hz, `noise` in metres, `gain` times the swing of the legs.
    """
    t = np.arange(round(seconds * rate)) / rate if times is None else np.asarray(times)
    forward = np.array([np.cos(yaw), 0, np.sin(yaw)])
    left = np.array([np.sin(yaw), 0, -np.cos(yaw)])
    up = np.array([0, 1.0, 0])
    points = np.full((len(t), 33, 3), np.nan)

    def set_point(name, ahead, high, aside):
        points[:, Landmark[name]] = (
            np.multiply.outer(np.broadcast_to(ahead, len(t)), forward)
            + np.multiply.outer(np.broadcast_to(high, len(t)), up)
            + np.multiply.outer(np.broadcast_to(aside, len(t)), left)
        )

    for landmark in Landmark:
        if landmark <= Landmark.MOUTH_RIGHT:
            set_point(landmark.name, 0.1, TORSO + 0.25, 0.0)
    for side, sign, offset in (("LEFT", 1, 0.0), ("RIGHT", -1, np.pi)):
        phase = 2 * np.pi * stride_rate * t + offset
        set_point(f"{side}_HIP", 0, 0, sign * HIPS / 2)
        set_point(f"{side}_SHOULDER", 0, TORSO, sign * SHOULDERS / 2)
        hip = 0.4 * np.sin(phase)
        set_point(f"{side}_KNEE", gain * THIGH * np.sin(hip), -THIGH * np.cos(hip), sign * HIPS / 2)
        for name, part in (("ANKLE", "ankle"), ("HEEL", "heel"), ("FOOT_INDEX", "toe")):
            ahead, high = foot_ahead(phase, part)
            set_point(f"{side}_{name}", gain * ahead, high, sign * HIPS / 2)
        for name in ("ELBOW", "WRIST", "PINKY", "INDEX", "THUMB"):
            set_point(f"{side}_{name}", -0.2 * np.sin(phase), 0.1, sign * SHOULDERS / 2)
    if not heels:
        points[:, [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL]] = np.nan
    points += np.random.default_rng(seed).normal(0, noise, points.shape) if noise else 0.0
    place = points + np.multiply.outer(1.2 * t, forward)[:, None]
    pixels = np.stack([300 + PIXELS * place[..., 0], 300 - PIXELS * place[..., 1]], axis=2)
    return PoseSequence(
        timestamps=t,
        image=pixels if image else None,
        world=points if world else None,
        visibility=np.isfinite(points).all(axis=2) * 0.9,
        frame_size=(4000, 600) if image else None,
    )


def without_feet(walk):
    """The same walk from a source that ends at the ankles."""
    feet = [Landmark[f"{s}_{j}"] for s in ("LEFT", "RIGHT") for j in ("HEEL", "FOOT_INDEX")]
    changed = {"visibility": np.array(walk.visibility), "feet": False}
    changed["visibility"][:, feet] = 0
    for name in ("image", "world"):
        if getattr(walk, name) is not None:
            changed[name] = np.array(getattr(walk, name))
            changed[name][:, feet] = np.nan
    return replace(walk, **changed)
