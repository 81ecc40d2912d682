"""``gaitproof export``: a model in fewer bits, or for another runtime."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from gaitproof.cli.options import JsonOption, NewModelOption
from gaitproof.cli.root import app


@app.command()
def export(
    model: Annotated[
        str, typer.Argument(help="Name of shipped weights, or a folder with weights.")
    ],
    output: NewModelOption,
    to: Annotated[
        Literal["onnx", "tflite"],
        typer.Option(help="tflite: for devices; needs the tflite extra."),
    ] = "onnx",
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option(
            help="fp16 takes half the room, int8 a quarter, with one scale for each channel; "
            "fp32 as it is, for tflite."
        ),
    ] = "fp16",
    as_json: JsonOption = False,
) -> None:
    """Write a model's weights in fewer bits.

    For small devices and downloads. They are unpacked when the model is opened, so that it is as
    fast as before. The new file is run on random inputs and compared with the old one. Threshold
    and calibration stay: with fp16 they hold, with int8 set them anew on people of yours
    (gaitproof calibrate DIR).
    """
    from gaitproof.cli.output import need_training_extra, show
    from gaitproof.errors import ConfigError

    need_training_extra()
    if to == "tflite":
        from gaitproof.modelling.tflite import convert_model

        written = convert_model(model, output, precision)
    elif precision == "fp32":
        raise ConfigError("The weights are 32 bits already.", hint="--precision fp16 or int8")
    else:
        from gaitproof.modelling.compression import compress_model

        written = compress_model(model, output, precision)
    show(
        asdict(written),
        f"{written.model_id} written to {output}: {written.after / 1e6:.2f} MB, was "
        f"{written.before / 1e6:.2f} MB.\nAnswers to random inputs differ by "
        f"{written.difference:.1e} at most; least cosine {written.cosine:.6f}.",
        as_json=as_json,
    )
