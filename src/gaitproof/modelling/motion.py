"""From a recipe to a judge of motion: evaluate it, train it on everything, write it with a card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch

from gaitproof.data.gait import Recording
from gaitproof.evaluate.motion import FALSE_ALARMS, MotionFigures, evaluate_motion
from gaitproof.gait.plausibility import BODY, MEASURES
from gaitproof.modelling.export import check_scores, export_onnx, write_model
from gaitproof.nets.card import DataSource
from gaitproof.nets.motion import MotionLSTM
from gaitproof.nets.registry import list_networks
from gaitproof.runtime import open_session, run_session
from gaitproof.train.config import read_architecture
from gaitproof.train.motion import MotionTrainSettings, make_clips, train_judge
from gaitproof.types.windows import WINDOW_FRAMES
from gaitproof.verify.motion import INPUTS, OUTPUT, MotionCard


def judges_motion(config: Path) -> bool:
    """Tell whether a recipe is one for a judge of motion.

    Raises
    ------
    ConfigError
        If it is no settings file.
    """
    return read_architecture(config) in list_networks("motion")


def make_judge(
    settings: MotionTrainSettings,
    recordings: Sequence[Recording],
    folder: Path,
    *,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[MotionCard, MotionFigures]:
    """Evaluate on data sets and kinds left out, train on everything, write weights and card.

    Raises
    ------
    InputError
        If there are not two data sets, or too few people walk for long enough.
    ModelError
        If the exported network does not compute what the trained one does.
    """
    clips = make_clips(recordings, settings)
    figures = evaluate_motion(clips, settings, progress=progress)
    network = train_judge(clips, settings)
    weights = _export_judge(network)
    digest = hashlib.sha256(weights).hexdigest()
    origins = {origin.name: origin for origin in settings.sources}
    data = []
    for one in figures.left_out:
        origin = origins.get(one.source)
        data.append(
            DataSource(
                name=one.source,
                subjects=one.people,
                recordings=sum(walk.source == one.source for walk in recordings),
                licence="" if origin is None else origin.licence,
                citation="" if origin is None else origin.citation,
            )
        )
    card = MotionCard(
        model_id=f"motion-{settings.version}-{digest[:12]}",
        architecture=settings.architecture,
        weights_sha256=digest,
        measures=MEASURES,
        spreads=tuple(round(float(value), 5) for value in network.spread),
        threshold=figures.threshold,
        chosen_by=f"{FALSE_ALARMS:.0%} of the captured clips of the worst data set left out",
        least_references=max(settings.references // 2, 1),
        kinds=settings.kinds,
        data=tuple(data),
        figures=figures.flat(),
        licence=settings.licence,
        trained_on=date.today().isoformat(),
        limits=settings.limits,
    )
    write_model(folder, weights, card)
    return card, figures


def _export_judge(network: MotionLSTM) -> bytes:
    """Return the network as ONNX, checked to compute the same."""
    generator = torch.Generator().manual_seed(0)
    body = torch.randn(5, WINDOW_FRAMES, BODY, 3, generator=generator)
    measures = torch.randn(5, len(MEASURES), generator=generator)
    weights = export_onnx(network, (body, measures), INPUTS, (OUTPUT,))
    with torch.inference_mode():
        wanted = network(body, measures).numpy()
    given = dict(zip(INPUTS, (body.numpy(), measures.numpy()), strict=True))
    [output] = run_session(open_session(weights), [OUTPUT], given)
    check_scores(float(np.abs(output - wanted).max()))
    return weights
