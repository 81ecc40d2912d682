"""What covers a face, found by a small network: training, and what its gate does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from experiments.face_occlusion.trials import (
    NOTHING,
    Tried,
    limit_for,
    refused,
    refused_of_others,
    try_all,
)
from experiments.face_video.films import ORIGINAL, list_clips, plan_films
from experiments.face_video.run import kept_faces
from experiments.shared import (
    JsonOption,
    ModelOption,
    OutputOption,
    SeedOption,
    make_table,
    show,
    write_json,
)
from gaitproof.cli.output import progress_bar
from gaitproof.data.face.store import FaceStore
from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.occlusion import FILE, OcclusionModel
from gaitproof.face.quality import FaceGate
from gaitproof.face.verdict import FaceDecision
from gaitproof.media.files import write_atomically

if TYPE_CHECKING:
    from rich.table import Table

_ANSWERS: Final = (FaceDecision.FAKE, FaceDecision.INCONCLUSIVE, FaceDecision.REAL)


def face_occlusion(
    videos: Annotated[Path, typer.Argument(help="Folder with genuine videos (.mp4).")],
    filmed: Annotated[
        Path, typer.Argument(metavar="DIR", help="Output folder of face-video for them.")
    ],
    output: OutputOption,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="STORE", help="Portraits to learn from; repeat for more."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of 48 faces.")] = 1000,
    wanted: Annotated[
        float, typer.Option(help="Largest share of uncovered frames that is passed over.")
    ] = 0.02,
    model: ModelOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Find what covers faces.

    Learns from portraits (--data) or takes DIR/occlusion.onnx; genuine video of talking people gets
    a microphone, a hand or a card put before the face.
    """
    stores = [FaceStore.open(folder) for folder in data or ()]
    weights = output / FILE
    with progress_bar("Learning") as progress:
        if stores and not weights.is_file():
            from experiments.face_occlusion.training import export, read_faces, train

            network = train(read_faces(stores, "train"), steps=steps, seed=seed, progress=progress)
            output.mkdir(parents=True, exist_ok=True)
            write_atomically(weights, export(network))
    loaded = FaceForgeryModel.load(model)
    films = plan_films(list_clips(videos, {}), filmed / "films", 0)
    known = [f for f in films if kept_faces(f, filmed / "faces", loaded.card).is_file()]
    tried = try_all(known, filmed / "faces", loaded, OcclusionModel(weights.read_bytes()), seed)
    genuine = [one for one in tried if one.film.genuine and one.film.compression == ORIGINAL]
    limit = FaceGate().max_covered
    values = {
        "limit": limit,
        "limit_wanted": limit_for(genuine, wanted),
        "passed_over": refused(genuine, limit),
        "passed_over_by_others": refused_of_others(genuine, wanted),
        "passed_over_swapped": refused([one for one in tried if not one.film.genuine], limit),
        "answers": count_answers(genuine, loaded.card, limit),
    }
    write_json(output / "face-occlusion.json", values)
    show(values, answer_table(values), as_json=as_json)


def count_answers(
    genuine: list[Tried], card: FaceDetectorCard, limit: float
) -> list[dict[str, Any]]:
    """Count answers to genuine films by what is before the face, how often, and with what gate."""
    rows = []
    for occluder in genuine[0].scores:
        for every in (1,) if occluder == NOTHING else (2, 1):
            row: dict[str, Any] = {
                "occluder": occluder,
                "every": every,
                "passed_over": refused(genuine, limit, occluder),
            }
            for name, gate in (("without", 1.0), ("with", limit)):
                counts = Counter(one.answer(card, occluder, gate, every) for one in genuine)
                row[name] = [counts[answer] for answer in _ANSWERS]
            rows.append(row)
    return rows


def answer_table(values: dict[str, Any]) -> Table:
    """Lay out what `count_answers` counts."""
    table = make_table(
        "Genuine video, FAKE, INCONCLUSIVE, REAL",
        ["before the face", "in"],
        ["of such frames passed over", "without a gate", "with it"],
        f"Gate: {values['limit']:.0%} of the face. Uncovered frames passed over: "
        f"{values['passed_over']:.1%}, swapped ones {values['passed_over_swapped']:.1%}; by a "
        f"limit that other people set {values['passed_over_by_others']:.1%}.",
    )
    for row in values["answers"]:
        table.add_row(
            row["occluder"],
            "every second frame" if row["every"] == 2 else "every frame",
            f"{row['passed_over']:.0%}",
            *(", ".join(map(str, row[name])) for name in ("without", "with")),
        )
    return table
