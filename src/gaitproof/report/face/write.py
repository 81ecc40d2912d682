"""Writing everything that a scan found into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof import __version__
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan
from gaitproof.media.files import atomic_folder, write_atomically
from gaitproof.report.face.evidence import ShownFace, show_faces
from gaitproof.report.face.page import ScanStory, make_card
from gaitproof.report.face.plots import plot_statistics, plot_timeline
from gaitproof.report.face.sheet import draw_sheet
from gaitproof.report.page import PageImage, render
from gaitproof.report.style import save_figure

PAGE: Final = "index.html"
NUMBERS: Final = "scan.json"
SHEET: Final = "frame_analysis.png"
TIMELINE: Final = "confidence_timeline.png"
STATISTICS: Final = "statistics.png"


def write_scan(folder: Path, scan: FaceScan, model: FaceForgeryModel) -> tuple[Path, ...]:
    """Write page, images, numbers and the scored faces of a scan into a folder: all or nothing.

    Parameters
    ----------
    folder
        Made if it is missing; files of the same names are replaced.
    scan
        The scan.
    model
        The one that scored it.

    Raises
    ------
    InputError
        If a file cannot be written.
    ModelError
        If the model cannot explain the faces.
    """
    shown = show_faces(scan, model)
    with atomic_folder(folder) as stage:
        names = [path.name for path in _write_all(stage, scan, model, shown)]
    return tuple(folder / name for name in names)


def _write_all(
    folder: Path, scan: FaceScan, model: FaceForgeryModel, shown: tuple[ShownFace, ...]
) -> list[Path]:
    """Write the files of a scan; returns them, the page first."""
    written = [folder / NUMBERS, *_write_faces(folder, shown)]
    text = json.dumps(scan.to_dict(), indent=2, allow_nan=False) + "\n"
    write_atomically(folder / NUMBERS, text.encode())
    written.append(_save_image(folder / SHEET, draw_sheet(scan, shown, model.card)))
    plots = []
    if scan.faces:
        for name, figure, alt in (
            (
                TIMELINE,
                plot_timeline(scan, model.card),
                "The probability of manipulation of every scored frame over the time of the "
                "video, one line per face, with the threshold.",
            ),
            (
                STATISTICS,
                plot_statistics(scan, model.card),
                "For each face: the scores of its frames, how many agree, the longest runs, "
                "flicker, size and sharpness.",
            ),
        ):
            save_figure(figure, folder / name)
            written.append(folder / name)
            plots.append(PageImage.of_png(folder / name, alt))
    story = ScanStory(
        scan,
        model.card,
        tuple(make_card(one, model.card.operating_point.threshold) for one in shown),
        tuple(plots),
        tuple(path.name for path in written),
        f"gaitproof {__version__}",
    )
    write_atomically(folder / PAGE, render("face", story=story).encode())
    return [folder / PAGE, *written]


def _write_faces(folder: Path, shown: tuple[ShownFace, ...]) -> list[Path]:
    """Write each face's frames side by side without loss, as they were scored."""
    return [
        _save_image(
            folder / f"face-{one.verdict.number}.png", np.concatenate(list(one.crops), axis=1)
        )
        for one in shown
        if len(one.crops)
    ]


def _save_image(path: Path, image: NDArray[np.uint8]) -> Path:
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_atomically(path, data.tobytes())
    return path
