"""A face model on genuine video and swaps made of it, as tables; writes its card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import typer

from experiments.face_video.films import ORIGINAL, list_clips
from experiments.face_video.gates import answer, others_conditions
from experiments.face_video.relation import RelationResult, relate
from experiments.face_video.run import FaceVideoResult, run
from experiments.faces.swaps import SWAPS
from experiments.faces.trials import GENUINE, KINDS
from experiments.shared import JsonOption, ModelOption, SeedOption, make_table, show, write_json
from gaitproof.bench.face_scan import COMPRESSIONS
from gaitproof.cli.options import output_option
from gaitproof.cli.output import progress_bar
from gaitproof.models import CARD_FILE
from gaitproof.report.face_tables import format_figure

if TYPE_CHECKING:
    from rich.table import Table

ANSWERS: Final = {"FAKE": -1, "INCONCLUSIVE": 0, "REAL": 1}


def face_video(
    videos: Annotated[
        Path, typer.Argument(help="Folder with genuine videos (.mp4) of talking people.")
    ],
    output: Annotated[
        Path,
        output_option("Output folder; resumed if it exists.", "DIR"),
    ],
    same: Annotated[
        list[str] | None,
        typer.Option(
            "--same", metavar="NAME=NAME", help="The first video shows the second one's person."
        ),
    ] = None,
    model: ModelOption = None,
    wrong_answers: Annotated[
        float, typer.Option("--wrong", help="Largest share of wrong answers of either kind.")
    ] = 0.05,
    run_share: Annotated[
        float | None,
        typer.Option(
            "--run-share",
            help="Judge a face by this share of its frames, the least genuine in a row.",
        ),
    ] = None,
    relative: Annotated[
        bool,
        typer.Option("--relative", help="Also relative to genuine video of the same person."),
    ] = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Set a face model's threshold on genuine video.

    Band and calibration too.

    Swaps are made of the videos in three ways that no training uses, at two compressions. What is
    answered to a person is decided by the others alone. Writes card.json and face-video.json.
    """
    pairs: dict[str, str] = {}
    for text in same or ():
        name, _, other = text.partition("=")
        if not (name and other):
            raise typer.BadParameter(f"expected NAME=NAME, found {text!r}", param_hint="--same")
        pairs[name] = other
    with progress_bar("Filming, swapping and scoring faces") as progress:
        result = run(
            list_clips(videos, pairs),
            output,
            model=model,
            seed=seed,
            wrong_answers=wrong_answers,
            share=run_share,
            progress=progress,
        )
    related = relate(result.films, wrong_answers, result.card) if relative else None
    card = result.card
    if related is not None:
        card = card.model_copy(update={"relation": related.relation})
    write_json(output / CARD_FILE, card.model_dump(mode="json"))
    values = to_dict(result, related)
    write_json(output / "face-video.json", values)
    point = result.card.operating_point
    show(
        values,
        figure_table(result),
        answer_table(result),
        *(() if related is None else (relation_table(related),)),
        f"Band {point.low:.3f} to {point.high:.3f}, threshold {point.threshold:.3f} of the score.",
        as_json=as_json,
    )


def count_answers(
    result: FaceVideoResult, *, before: bool
) -> dict[tuple[str, str], dict[str, int]]:
    """Count answers by kind of film and compression, all gates of a scan among them."""
    known = {} if before else others_conditions(result.films)
    answers = np.array(
        [
            answer(one, score, known.get(one.film.people[0], result.before.conditions))
            for one, score in zip(result.films, result.answers(before=before).tolist(), strict=True)
        ]
    )
    films = [one.film for one in result.films]
    counts = {}
    for kind in KINDS:
        for compression in (ORIGINAL, *COMPRESSIONS):
            own = np.array([f.kind == kind and f.compression == compression for f in films])
            if own.any():
                counts[kind, compression] = {
                    name: int((answers[own] == value).sum()) for name, value in ANSWERS.items()
                }
    return counts


def to_dict(result: FaceVideoResult, related: RelationResult | None = None) -> dict[str, Any]:
    """Return plain JSON types."""
    return {
        "model_id": result.card.model_id,
        "figures": [
            {"kind": kind or "all", "compression": compression or "all"} | asdict(figures)
            for kind, compression, figures in _figures(result)
        ],
        "answers": [
            {"card": "before" if before else "now", "kind": kind, "compression": crf} | counts
            for before in (True, False)
            for (kind, crf), counts in count_answers(result, before=before).items()
        ],
        "films": [
            {
                "film": one.film.path.name,
                "kind": one.film.kind,
                "compression": one.film.compression,
                "people": one.film.people,
                "score": result.card.summarise(one.scanned),
            }
            for one in result.films
        ],
        "left_out": result.left_out,
        "relative": None
        if related is None
        else {
            "alone": asdict(related.alone),
            "same recording": asdict(related.own),
            "somebody else": asdict(related.other),
            "answers": {
                "genuine" if genuine else "swapped": count_relative(related, genuine=genuine)
                for genuine in (True, False)
            },
            "another recording": dict(related.elsewhere),
        },
    }


def count_relative(related: RelationResult, *, genuine: bool) -> dict[str, int]:
    """Count what people left out are answered, alone and relative to genuine video."""
    own = related.answers[related.genuine == genuine]
    return {name: int((own == value).sum()) for name, value in ANSWERS.items()}


def _figures(result: FaceVideoResult) -> list[tuple[str | None, str | None, Any]]:
    return [
        (kind, compression, result.figures(kind, compression))
        for compression in (*COMPRESSIONS, None)
        for kind in (*SWAPS, None)
    ]


def figure_table(result: FaceVideoResult) -> Table:
    """Lay out AUC and EER per kind of swap and compression."""
    people = len({one.film.people[0] for one in result.films})
    table = make_table(
        f"{people} people, each talking as they are and swapped; % [95 % over people]",
        ["swap", "compression"],
        ["AUC", "EER", "videos"],
    )
    for kind, compression, figures in _figures(result):
        table.add_row(
            kind or "all",
            compression or "all",
            *(format_figure(figures, name) for name in ("auc", "eer")),
            f"{figures.genuine} + {figures.forged}",
            end_section=kind is None,
        )
    return table


def answer_table(result: FaceVideoResult) -> Table:
    """Lay out the answers by the card as it was, and by one that other people set."""
    before = count_answers(result, before=True)
    now = count_answers(result, before=False)
    table = make_table(
        "FAKE, INCONCLUSIVE, REAL",
        ["video", "compression"],
        ["card as it was", "people left out"],
    )
    totals = {True: np.zeros((2, 3), int), False: np.zeros((2, 3), int)}
    for kind, compression in before:
        cells = []
        for earlier, counts in ((True, before), (False, now)):
            answers = list(counts[kind, compression].values())
            totals[earlier][int(kind == GENUINE)] += answers
            cells.append(", ".join(map(str, answers)))
        table.add_row(kind, compression, *cells)
    for genuine, name in ((1, "all genuine"), (0, "all swapped")):
        cells = [", ".join(map(str, totals[earlier][genuine])) for earlier in (True, False)]
        table.add_row(name, "", *cells)
    return table


def relation_table(related: RelationResult) -> Table:
    """Lay out AUC and EER alone and relative to genuine video, and the answers by both."""
    answers = [
        ", ".join(map(str, count_relative(related, genuine=genuine).values()))
        for genuine in (True, False)
    ]
    table = make_table(
        f"{related.relation.people} people; % [95 % over people]",
        ["relative to"],
        ["AUC", "EER", "videos"],
        "FAKE, INCONCLUSIVE, REAL alone and relative to the same recording: "
        f"genuine {answers[0]}; swapped {answers[1]}",
    )
    for name, figures in (
        ("nothing", related.alone),
        ("the same recording", related.own),
        ("somebody else", related.other),
    ):
        table.add_row(
            name,
            *(format_figure(figures, figure) for figure in ("auc", "eer")),
            f"{figures.genuine} + {figures.forged}",
        )
    return table
