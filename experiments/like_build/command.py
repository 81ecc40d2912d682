"""Impostors of like build, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from experiments.like_build.builds import bone_builds, outline_builds
from experiments.like_build.run import SHARE, Embed, Impostors, compare_builds, score_held_out
from experiments.shared import (
    JsonOption,
    OutputOption,
    PeopleOption,
    load_walks,
    make_table,
    show,
    spread,
    write_json,
)
from gaitproof.cli.experiments import load_settings
from gaitproof.cli.options import CacheOption
from gaitproof.cli.output import progress_bar
from gaitproof.evaluate.designs import limit_people
from gaitproof.evaluate.table import format_percent

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.data.gait import Recording
    from gaitproof.evaluate.trials import Trials

RECIPE = Path(__file__).parent / "recipe.yaml"
_NORMAL = "nm"
"""CASIA-B's name of walks without bag or coat, from which bodies are measured and enrolled."""


class Kind(StrEnum):
    """What is compared."""

    JOINTS = "joints"
    SILHOUETTES = "silhouettes"
    KTH = "kth"


Scored = tuple["Trials", Mapping[str, NDArray[np.float64]]]


def like_build(
    kind: Annotated[Kind, typer.Argument(help="joints, silhouettes, or kth.")],
    data: Annotated[Path, typer.Argument(help="An archive (.npz), or KTH's folder.")],
    output: OutputOption,
    held_out: Annotated[
        str, typer.Option(help="silhouettes: first and last of the people who are tried.")
    ] = "051-074",
    share: Annotated[
        float, typer.Option(help="Of everybody's impostors that is like.", min=0.01, max=0.5)
    ] = SHARE,
    people: PeopleOption = 0,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try impostors of like build.

    Against all impostors, and against those of unlike build.
    """
    if kind is Kind.JOINTS:
        trials, builds = score_joints(chosen_walks(data, people))
    elif kind is Kind.SILHOUETTES:
        trials, builds = score_silhouettes(data, held_out)
    else:
        trials, builds = score_kth(data, cache)
    impostors = compare_builds(trials, builds, share=share)
    values = {
        "kind": str(kind),
        "people": len(trials.subjects),
        "mated": int(trials.mated.sum()),
        "impostors": [one.to_dict() for one in impostors],
    }
    write_json(output / f"like-build-{kind}.json", values)
    show(values, build_table(impostors, str(kind), len(trials.subjects)), as_json=as_json)


def chosen_walks(data: Path, people: int) -> Sequence[Recording]:
    """Return the walks of an archive, of the first so many people; 0 for all."""
    walks = load_walks(data)
    return limit_people(walks, people) if people else walks


def score_joints(walks: Sequence[Recording]) -> Scored:
    """Score walks by folds of people whom the recipe has not seen."""
    from gaitproof.evaluate.trials import Trials

    parts = []
    with progress_bar("Fitting") as progress:
        for _, _, trials in held_out_folds(walks):
            parts.append(trials)
            progress(len(parts) / load_settings(RECIPE).folds)
    return Trials.concatenate(parts), bone_builds(walks)


def held_out_folds(
    walks: Sequence[Recording],
) -> Iterator[tuple[Embed, list[Recording], Trials]]:
    """Fit the recipe without the people of each of its folds."""
    from gaitproof.modelling.experiment import split_originals
    from gaitproof.train.loop import train

    settings = load_settings(RECIPE)
    yield from score_held_out(
        walks,
        split_originals(walks, settings.folds, settings.seed),
        lambda people: train(people, settings).embed,
        enrolled=settings.enrolled,
    )


def score_silhouettes(data: Path, held_out: str) -> Scored:
    """Score people of an archive of masks whom the recipe has not seen, from other views."""
    from gaitproof.data.gait.silhouettes import load_silhouettes
    from gaitproof.evaluate.trials import person
    from gaitproof.modelling.silhouettes import evaluate_silhouettes
    from gaitproof.nets.options import NetworkSettings
    from gaitproof.train.silhouettes.config import ScopeSettings, SilhouetteTrainSettings

    walks = load_silhouettes(data, data.stem)
    first, _, last = held_out.partition("-")
    tried = tuple(sorted({one.subject for one in walks if first <= one.subject <= last}))
    views = sorted({one.view for one in walks})
    rest = len({one.subject for one in walks}) - len(tried)
    settings = SilhouetteTrainSettings(
        architecture="energy-discriminant",
        network=NetworkSettings(embedding=rest - 1),
        scope=ScopeSettings(
            enroll_condition=(_NORMAL,),
            enroll_view=tuple(views[::3]),
            probe_condition=(_NORMAL,),
            probe_view=tuple(view for view in views if view not in views[::3]),
        ),
    )
    result = evaluate_silhouettes(settings, walks, held_out=tried)
    outlines: dict[str, list[NDArray[np.uint8]]] = {}
    for one in walks:
        if one.subject in tried and one.condition == _NORMAL:
            outlines.setdefault(person(one), []).append(one.bits)
    return result.system["clip"].trials, outline_builds(outlines)


def score_kth(folder: Path, cache: Path | None) -> Scored:
    """Score KTH's walkers by the shipped model of silhouettes, which has not seen them."""
    from experiments.kth.claims import Pass, enroll, join_clips, judge
    from experiments.kth.run import cached_extractor, embed, find_clips, mask_walks
    from experiments.robustness.run import GATE
    from gaitproof.config import VerifySettings
    from gaitproof.nets.onnx import SilhouetteEncoder
    from gaitproof.verify.signals import SILHOUETTES

    encoder = SilhouetteEncoder.load(SILHOUETTES)
    extract = cached_extractor(cache, VerifySettings())
    passes: list[Pass] = []
    outlines: dict[str, list[NDArray[np.uint8]]] = {}
    for who, condition, path in find_clips(folder):
        seen = extract(path)
        for place, (windows, reasons) in enumerate(mask_walks(seen)[GATE]):
            passes.append(Pass(who, condition, place, embed(encoder, windows), reasons))
        for track in seen.silhouettes:
            outlines.setdefault(who, []).append(track.bits[track.present])
    trials = judge(enroll(passes, 1), join_clips(passes), encoder, 20).trials
    return trials, outline_builds(outlines)


def build_table(impostors: Sequence[Impostors], kind: str, people: int) -> Table:
    """Lay out the figures, one row for each kind of impostor."""
    table = make_table(
        f"{kind}: {people} people, % [95 % over people]",
        ["impostors"],
        ["claims", "apart", "AUC", "change", "EER", "change", "accepted"],
        caption="apart: mean difference of the bodies, 1 for all; accepted: at the threshold of "
        "the equal error rate of all",
    )
    change = partial(spread, form="+.1f", scale=100)
    for one in impostors:
        table.add_row(
            one.likeness,
            str(one.claims),
            f"{one.apart:.2f}",
            format_percent(one.auc),
            "" if one.auc_change is None else change(one.auc_change),
            format_percent(one.eer),
            "" if one.eer_change is None else change(one.eer_change),
            format_percent(one.accepted),
        )
    return table
