"""Bones of the synthetic body: rest pose, chains, and the 33 landmarks fixed to them.

Body axes: x to the person's left, y up, z forward; metres. Facing the camera they are the camera
axes of `PoseSequence` (x right in the frame, y up, z to the camera).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.walker import Build
from gaitproof.types import N_LANDMARKS, Landmark
from gaitproof.types.rotations import axis_rotations

Float64 = NDArray[np.float64]


class Bone(IntEnum):
    """The rigid segments; left limbs directly before right ones."""

    PELVIS = 0
    ABDOMEN = 1
    THORAX = 2
    NECK = 3
    HEAD = 4
    LEFT_UPPER_ARM = 5
    RIGHT_UPPER_ARM = 6
    LEFT_FOREARM = 7
    RIGHT_FOREARM = 8
    LEFT_HAND = 9
    RIGHT_HAND = 10
    LEFT_THIGH = 11
    RIGHT_THIGH = 12
    LEFT_SHANK = 13
    RIGHT_SHANK = 14
    LEFT_FOOT = 15
    RIGHT_FOOT = 16
    LEFT_TOES = 17
    RIGHT_TOES = 18


N_BONES: Final = len(Bone)

HEAD_FRACTION: Final = 0.13
"""Height of the head, chin to crown, as a part of the body height (Winter 2009)."""

HEEL_BACK: Final = 0.25
BALL_FRONT: Final = 0.47
"""Heel behind and ball of the foot before the ankle, as parts of the foot length."""

REST_ARM: Final = 40.0
REST_LEG: Final = 6.0
"""Abduction of arms and legs in the rest pose, degrees: it keeps the skin parts apart."""


def transform(matrix: Float64, vector: Float64 | tuple[float, float, float]) -> Float64:
    """Apply (..., 3, 3) matrices to one vector or to as many vectors."""
    product: Float64 = np.einsum("...ij,...j->...i", matrix, np.asarray(vector, np.float64))
    return product


@dataclass(frozen=True, eq=False)
class Bones:
    """Placed bones.

    Parameters
    ----------
    rotations
        Shape (T, 19, 3, 3): bone axes to body axes.
    origins
        Shape (T, 19, 3): the joint nearest the trunk, metres.
    """

    rotations: Float64
    origins: Float64

    def place(self, bone: Bone, offset: Float64 | tuple[float, float, float]) -> Float64:
        """Return where a point fixed to a bone is: shape (T, 3)."""
        return self.origins[:, bone] + transform(self.rotations[:, bone], offset)


@dataclass(frozen=True, eq=False)
class UpperBody:
    """Rotations (T, 3, 3) of trunk, head and (left, right) arms."""

    pelvis: Float64
    abdomen: Float64
    thorax: Float64
    neck: Float64
    head: Float64
    upper_arm: tuple[Float64, Float64]
    forearm: tuple[Float64, Float64]
    hand: tuple[Float64, Float64]


@dataclass(frozen=True, eq=False)
class Leg:
    """One leg: rotations (T, 3, 3) and joints (T, 3)."""

    thigh: Float64
    shank: Float64
    foot: Float64
    toes: Float64
    knee: Float64
    ankle: Float64


def hip_offset(build: Build, side: int) -> tuple[float, float, float]:
    """Return the hip joint in the pelvis (side 0 = left)."""
    return (0.5 if side == 0 else -0.5) * build.hip_width, 0.0, 0.0


def assemble(build: Build, pelvis: Float64, upper: UpperBody, legs: tuple[Leg, Leg]) -> Bones:
    """Put the bones together from the pelvis outwards.

    Parameters
    ----------
    build
        Segment lengths.
    pelvis
        Shape (T, 3): middle of the hip joints.
    upper, legs
        Rotations and leg joints.
    """
    n = len(pelvis)
    rotations = np.empty((n, N_BONES, 3, 3))
    origins = np.empty((n, N_BONES, 3))

    def place(bone: int, matrix: Float64, origin: Float64) -> None:
        rotations[:, bone] = matrix
        origins[:, bone] = origin

    third = (0.0, 0.25 * build.trunk, 0.0)
    waist = pelvis + transform(upper.pelvis, third)
    chest = waist + transform(upper.abdomen, third)
    place(Bone.PELVIS, upper.pelvis, pelvis)
    place(Bone.ABDOMEN, upper.abdomen, waist)
    place(Bone.THORAX, upper.thorax, chest)
    neck = chest + transform(upper.thorax, (0.0, 0.5 * build.trunk + 0.022 * build.height, -0.012))
    place(Bone.NECK, upper.neck, neck)
    place(Bone.HEAD, upper.head, neck + transform(upper.neck, (0.0, 0.052 * build.height, 0.012)))
    for side, sign in ((0, 1.0), (1, -1.0)):
        shoulder = chest + transform(
            upper.thorax, (sign * 0.5 * build.shoulder_width, 0.5 * build.trunk, 0.0)
        )
        elbow = shoulder + transform(upper.upper_arm[side], (0.0, -build.upper_arm, 0.0))
        wrist = elbow + transform(upper.forearm[side], (0.0, -build.forearm, 0.0))
        place(Bone.LEFT_UPPER_ARM + side, upper.upper_arm[side], shoulder)
        place(Bone.LEFT_FOREARM + side, upper.forearm[side], elbow)
        place(Bone.LEFT_HAND + side, upper.hand[side], wrist)
        leg = legs[side]
        hip = pelvis + transform(upper.pelvis, hip_offset(build, side))
        place(Bone.LEFT_THIGH + side, leg.thigh, hip)
        place(Bone.LEFT_SHANK + side, leg.shank, leg.knee)
        place(Bone.LEFT_FOOT + side, leg.foot, leg.ankle)
        ball = (0.0, -0.75 * build.ankle, BALL_FRONT * build.foot)
        place(Bone.LEFT_TOES + side, leg.toes, leg.ankle + transform(leg.foot, ball))
    return Bones(rotations, origins)


def rest_bones(build: Build) -> Bones:
    """Return the pose in which the skin is made: arms and legs apart, T = 1."""
    one = np.eye(3)[None]
    arms = (axis_rotations("z", REST_ARM)[None], axis_rotations("z", -REST_ARM)[None])
    upper = UpperBody(one, one, one, one, one, arms, arms, arms)
    height = (build.thigh + build.shank) * np.cos(np.radians(REST_LEG)) + build.ankle
    pelvis = np.array([[0.0, height, 0.0]])
    legs = []
    for side, sign in ((0, 1.0), (1, -1.0)):
        thigh = axis_rotations("z", sign * REST_LEG)[None]
        knee = pelvis + np.array(hip_offset(build, side)) + transform(thigh, (0, -build.thigh, 0))
        ankle = knee + transform(thigh, (0.0, -build.shank, 0.0))
        legs.append(Leg(thigh, thigh, one, one, knee, ankle))
    return assemble(build, pelvis, upper, (legs[0], legs[1]))


def _landmark_offsets(build: Build) -> dict[Landmark, tuple[Bone, tuple[float, float, float]]]:
    """Return each landmark's bone and its place in that bone, left side; metres."""
    u = HEAD_FRACTION * build.height
    hand, foot = build.hand, build.foot
    ball = BALL_FRONT * foot
    return {
        Landmark.LEFT_EYE_INNER: (Bone.HEAD, (0.075 * u, 0.33 * u, 0.47 * u)),
        Landmark.LEFT_EYE: (Bone.HEAD, (0.14 * u, 0.33 * u, 0.46 * u)),
        Landmark.LEFT_EYE_OUTER: (Bone.HEAD, (0.20 * u, 0.33 * u, 0.42 * u)),
        Landmark.LEFT_EAR: (Bone.HEAD, (0.34 * u, 0.24 * u, 0.02 * u)),
        Landmark.MOUTH_LEFT: (Bone.HEAD, (0.11 * u, 0.02 * u, 0.46 * u)),
        Landmark.LEFT_SHOULDER: (Bone.LEFT_UPPER_ARM, (0.0, 0.0, 0.0)),
        Landmark.LEFT_ELBOW: (Bone.LEFT_FOREARM, (0.0, 0.0, 0.0)),
        Landmark.LEFT_WRIST: (Bone.LEFT_HAND, (0.0, 0.0, 0.0)),
        Landmark.LEFT_PINKY: (Bone.LEFT_HAND, (0.0, -0.48 * hand, -0.2 * hand)),
        Landmark.LEFT_INDEX: (Bone.LEFT_HAND, (0.0, -0.5 * hand, 0.18 * hand)),
        Landmark.LEFT_THUMB: (Bone.LEFT_HAND, (-0.08 * hand, -0.32 * hand, 0.28 * hand)),
        Landmark.LEFT_HIP: (Bone.LEFT_THIGH, (0.0, 0.0, 0.0)),
        Landmark.LEFT_KNEE: (Bone.LEFT_SHANK, (0.0, 0.0, 0.0)),
        Landmark.LEFT_ANKLE: (Bone.LEFT_FOOT, (0.0, 0.0, 0.0)),
        Landmark.LEFT_HEEL: (Bone.LEFT_FOOT, (0.0, -0.7 * build.ankle, -HEEL_BACK * foot)),
        Landmark.LEFT_FOOT_INDEX: (Bone.LEFT_TOES, (0.0, -0.05 * build.ankle, 0.7 * foot - ball)),
    }


def landmarks(build: Build, bones: Bones) -> Float64:
    """Return all 33 landmarks: shape (T, 33, 3), metres in body axes."""
    points = np.empty((len(bones.origins), N_LANDMARKS, 3))
    u = HEAD_FRACTION * build.height
    points[:, Landmark.NOSE] = bones.place(Bone.HEAD, (0.0, 0.17 * u, 0.58 * u))
    for left, (bone, offset) in _landmark_offsets(build).items():
        mirrored = (-offset[0], offset[1], offset[2])
        right_bone = bone if bone is Bone.HEAD else Bone(bone + 1)
        right = Landmark[left.name.replace("LEFT", "RIGHT")]
        points[:, left] = bones.place(bone, offset)
        points[:, right] = bones.place(right_bone, mirrored)
    return points
