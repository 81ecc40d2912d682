"""Rendered walkers: everybody's gait on the bodies of the others, and what `verify` answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from experiments.shared import Progress, no_progress
from gaitproof.demo.plan import FRAME_SIZE, PROBE_VIEW, Clip, Plan, make_plan
from gaitproof.demo.run import clip_file, open_demo_verifier
from gaitproof.errors import InputError
from gaitproof.media.files import make_folder
from gaitproof.pose.cache import PoseCache
from gaitproof.synth.clips import render_walk
from gaitproof.synth.walker import Walker
from gaitproof.synth.writer import derive_seed
from gaitproof.types import Decision
from gaitproof.verify.verifier import Verifier

OWN: Final = "a new walk: its own"
MOTION: Final = "A's gait on B's body: A, whose gait it is"
BODY: Final = "A's gait on B's body: B, whose body it is"
NEITHER: Final = "A's gait on B's body: somebody else"


@dataclass(frozen=True)
class Answers:
    """Verdicts of one kind of claim.

    Parameters
    ----------
    claim
        What is shown, and whose it is said to be.
    counts
        How often each decision was made.
    log10_lr
        Of the joints, by claim; those without one are left out.
    """

    claim: str
    counts: dict[Decision, int]
    log10_lr: tuple[float, ...]


def reenact(motion: Walker, body: Walker) -> Walker:
    """Return somebody who walks as one person does and looks like another."""
    return replace(motion, build=body.build, head=body.head)


def find_demos(folder: Path) -> list[tuple[int, Path]]:
    """Return seed and folder of every finished demo below a folder, ``s0``, ``s1`` and so on.

    Raises
    ------
    InputError
        If there are none.
    """
    demos = [
        (int(named[1]), path)
        for path in sorted(folder.iterdir())
        if (named := re.fullmatch(r"s(\d+)", path.name)) and (path / "clips").is_dir()
    ]
    if not demos:
        raise InputError(
            f"The folder {str(folder)!r} holds no demos.",
            expected="s0, s1, … made by gaitproof demo --seed",
        )
    return demos


def reenact_rendered(
    demos: Sequence[tuple[int, Path]],
    output: Path,
    *,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> list[Answers]:
    """Draw every enrolled person's gait on the others' bodies, and verify each video as everybody.

    Parameters
    ----------
    demos
        See `find_demos`.
    output
        The new videos are kept there, so that an interrupted run goes on.
    cache
        Of poses; None for the user's.
    progress
        Called with the share done.
    """
    counts: dict[str, Counter[Decision]] = {}
    ratios: dict[str, list[float]] = {}
    store = PoseCache(cache)
    for number, (seed, folder) in enumerate(demos):
        plan = make_plan(seed)
        videos = make_folder(output / f"s{seed}")
        with TemporaryDirectory() as temporary:
            verifier = open_demo_verifier(Path(temporary) / "g.db", cache=store)
            for name, clips in plan.enrolment.items():
                verifier.enroll(name, [folder / clip_file(clip) for clip in clips])
            for kind, decision, ratio in _ask(verifier, plan, folder, videos):
                counts.setdefault(kind, Counter())[decision] += 1
                ratios.setdefault(kind, []).extend([] if ratio is None else [ratio])
        progress((number + 1) / len(demos))
    return [Answers(kind, dict(own), tuple(ratios[kind])) for kind, own in counts.items()]


def _ask(
    verifier: Verifier, plan: Plan, folder: Path, videos: Path
) -> Iterator[tuple[str, Decision, float | None]]:
    people = {name: clips[0].walker_seed for name, clips in plan.enrolment.items()}
    for name in people:
        verdict = verifier.verify(folder / clip_file(_new_walk(plan, name)), claim=name)
        yield OWN, verdict.decision, verdict.log10_lr
    for a in people:
        for b in people:
            if a == b:
                continue
            video = videos / f"{a.lower()}-on-{b.lower()}.mp4"
            if not video.is_file():
                render_walk(
                    reenact(Walker.random(people[a]), Walker.random(people[b])),
                    view=PROBE_VIEW,
                    seed=derive_seed(plan.seed, "reenactment", a, b),
                    seconds=6.0,
                    size=FRAME_SIZE,
                    out=video,
                )
            for claim in people:
                kind = {a: MOTION, b: BODY}.get(claim, NEITHER)
                verdict = verifier.verify(video, claim=claim)
                yield kind, verdict.decision, verdict.log10_lr


def _new_walk(plan: Plan, name: str) -> Clip:
    return next(t.clip for t in plan.trials if t.claim == name and t.expected is Decision.AUTHENTIC)
