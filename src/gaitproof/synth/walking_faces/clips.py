"""Filming a walk with a face, genuine and forged, all at once: the body is drawn once.

As with talkers, the inner face of every frame is bent and tinted a little, once for a genuine
clip, a swap and replaced lips, anew in every frame for ``warp`` and ``flicker``. Body, walk,
light, place and camera are those of the genuine clip in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from gaitproof.media.encode import VideoWriter
from gaitproof.synth.dataset import make_person
from gaitproof.synth.frames import Faults, clean_frames
from gaitproof.synth.staging import Stage
from gaitproof.synth.take import Take, prepare
from gaitproof.synth.talking.clips import Retouch, replace_lips, swap_face
from gaitproof.synth.talking.drawing import Expression, Head, Image, draw_head, skin_pattern
from gaitproof.synth.talking.person import Colour, Performance, Talker, make_talker
from gaitproof.synth.walker import Walker
from gaitproof.synth.walking_faces.placing import HeadPlaces, find_heads, look_at_camera, paint
from gaitproof.synth.writer import derive_seed, subject_name

PLAIN: Final = 0.85
"""Width of the solid head and its jaw as factors of the average: the drawn one must cover it."""


@dataclass(frozen=True)
class FacedWalker:
    """A synthetic person.

    Parameters
    ----------
    name
        Of both.
    walker
        Body and walk; the head below the drawn one has its skin and hair.
    talker
        The face.
    """

    name: str
    walker: Walker
    talker: Talker


def make_faced_walker(seed: int, number: int) -> FacedWalker:
    """Draw person `number` of a data set: its walk and its looks are drawn independently."""
    name = subject_name(number)
    walker, talker = make_person(seed, number), make_talker(name, seed)
    skin = _share(talker.skin)
    # nothing that could show beside the drawn face: no second mouth, brows or nose
    head = replace(
        walker.head,
        skin=skin,
        iris=skin,
        lips=skin,
        hair=_share(talker.hair),
        style="cropped",
        beard=0.0,
        brow=0.05,
        skull_width=PLAIN,
        jaw_width=PLAIN,
        jaw_length=PLAIN,
        nose_length=0.0,
        nose_width=0.5,
        mouth_width=0.5,
        ear=PLAIN,
    )
    return FacedWalker(name, replace(walker, head=head), talker)


def _share(colour: Colour) -> Colour:
    red, green, blue = (value / 255 for value in colour)
    return red, green, blue


GENUINE: Final = ""
FORGERIES: Final = ("swap", "lips", "warp", "flicker")
"""Another's face on this body; this person with other words in the mouth; the own face that does
not keep its shape, or its colour, from frame to frame."""

DETAIL: Final = 0.5
"""How sharp a forged face is, as a share of what the camera sees of it."""
LIP_TINT: Final = 6.0
"""Standard deviation of how far replaced lips miss the colours, grey levels."""
FARTHEST_TURN: Final = 75.0
"""Degrees between face and camera from which on no face is drawn: the back of the head is seen."""


@dataclass(frozen=True)
class FilmSettings:
    """How walkers with faces are filmed.

    Parameters
    ----------
    view
        Degrees between walking direction and camera: 0 frontal, 180 from behind.
    seconds
        Length of a clip.
    frame_rate
        Frames per second.
    size
        (width, height), pixels, even; upright, so that the face is large.
    stage
        As in `gaitproof.synth.clips.render_walk`.
    gaze
        How far the walker turns the head to the camera, as a share of `view`. A face turned by more
        than `FARTHEST_TURN` is not drawn.
    """

    view: float = 45.0
    seconds: float = 4.0
    frame_rate: float = 30.0
    size: tuple[int, int] = (720, 1280)
    stage: Stage = "auto"
    gaze: float = 0.6


@dataclass(frozen=True)
class Version:
    """One file of a filmed walk.

    Parameters
    ----------
    forgery
        Of `FORGERIES`, or `GENUINE`.
    scale
        Width and height of the frames, as a share of the filmed ones: the camera farther off.
    seconds
        Where the file ends; None for all of the walk.
    """

    forgery: str = GENUINE
    scale: float = 1.0
    seconds: float | None = None


def film_walk(
    person: FacedWalker,
    files: Mapping[Path, Version],
    seed: int,
    settings: FilmSettings,
    other: FacedWalker | None = None,
) -> None:
    """Write the versions of one walk.

    Parameters
    ----------
    person
        Who walks.
    files
        Videos to write, ``.mp4``; each appears whole or not at all.
    seed
        Of the walk, clothes, place, light, camera and words.
    settings
        View, length, size.
    other
        Whose face a swap puts on.

    Raises
    ------
    ConfigError
        If a setting is out of range.
    DependencyError
        If the renderer is missing.
    ValueError
        If there is no such forgery, or a swap has no other face.
    """
    versions = list(files.values())
    forgeries = tuple({version.forgery: None for version in versions})
    unknown = set(forgeries) - {GENUINE, *FORGERIES}
    if unknown:
        raise ValueError(f"no forgery {min(unknown)!r}")
    if "swap" in forgeries and other is None:
        raise ValueError("a swap needs another face")
    take = prepare(
        person.walker,
        view=settings.view,
        seed=seed,
        seconds=settings.seconds,
        size=settings.size,
        frame_rate=settings.frame_rate,
        stage=settings.stage,
    )
    take = look_at_camera(take, settings.gaze)
    actor = _Actor(person, other, find_heads(take), take, seed)
    # the same noise for all, so that it tells none of them
    faults = {forgery: Faults(take) for forgery in forgeries}
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                VideoWriter(
                    path, settings.frame_rate, _size(take.size, one.scale), crf=take.sensor.crf
                )
            )
            for path, one in files.items()
        ]
        for number, (image, _) in enumerate(clean_frames(take, person.walker.head)):
            heads = actor.heads(number, forgeries)
            shown = {name: faults[name](actor.show(image, heads[name], number)) for name in heads}
            for version, writer in zip(versions, writers, strict=True):
                if version.seconds is None or number < version.seconds * settings.frame_rate:
                    writer.write(_scaled(shown[version.forgery], version.scale))


class _Actor:
    """Draws the face of a walk for every frame, as it is and forged."""

    def __init__(
        self,
        person: FacedWalker,
        other: FacedWalker | None,
        places: HeadPlaces,
        take: Take,
        seed: int,
    ) -> None:
        def random(purpose: str) -> np.random.Generator:
            return np.random.default_rng(derive_seed(seed, purpose, person.name))

        times = take.motion.times
        self._talker, self._places = person.talker, places
        self._pattern = skin_pattern(person.talker)
        self._other = None if other is None else (other.talker, skin_pattern(other.talker))
        self._does = Performance.draw(random("words"), times)
        self._instead = Performance.draw(random("other words"), times)
        self._still, self._touch = Retouch.draw(random("touch")), random("retouch")
        tint = random("lips").normal(0, LIP_TINT, 3)
        self._tint = np.asarray(tint, np.float32)

    def heads(self, number: int, forgeries: Sequence[str]) -> dict[str, Head]:
        """Return the heads of one frame by forgery."""
        places = self._places
        expression = Expression(
            yaw=float(places.yaw[number]),
            pitch=float(places.pitch[number]),
            mouth=float(self._does.mouth[number]),
            lids=float(self._does.lids[number]),
            light=(float(places.slope[number, 0]), float(places.slope[number, 1])),
        )
        own = draw_head(self._talker, self._pattern, expression, bust=False)
        detail = DETAIL * min(1.0, float(places.scale[number]))
        fresh = Retouch.draw(self._touch)
        still = self._still

        def swap() -> Head:
            assert self._other is not None
            other = draw_head(*self._other, expression, bust=False)
            return still.apply(swap_face(own, other, detail))

        def lips() -> Head:
            mouth = float(self._instead.mouth[number])
            speaking = draw_head(
                self._talker, self._pattern, replace(expression, mouth=mouth), bust=False
            )
            return still.apply(replace_lips(own, speaking, self._tint, detail))

        ways: dict[str, Callable[[], Head]] = {
            GENUINE: lambda: still.apply(own),
            "swap": swap,
            "lips": lips,
            "warp": lambda: Retouch(fresh.bend, still.tint).apply(own),
            "flicker": lambda: Retouch(still.bend, fresh.tint).apply(own),
        }
        return {forgery: ways[forgery]() for forgery in forgeries}

    def show(self, image: Image, head: Head, number: int) -> Image:
        """Return the frame with the head in its place, if its face can be seen."""
        if abs(float(np.degrees(self._places.yaw[number]))) > FARTHEST_TURN:
            return image
        return paint(image, head, self._places, number)


def _size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return a scaled size with even sides."""
    width, height = (max(2, 2 * round(side * scale / 2)) for side in size)
    return width, height


def _scaled(image: Image, scale: float) -> Image:
    if scale == 1:
        return image
    size = _size((image.shape[1], image.shape[0]), scale)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
