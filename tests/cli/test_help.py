"""The help of every command is whole and readable in a terminal of 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from experiments.__main__ import make_app
from gaitproof.cli.app import app
from gaitproof.data.face.layouts import LAYOUTS
from gaitproof.data.listing import Layout
from gaitproof.evaluate.comparison import FIGURE_NAMES
from gaitproof.evaluate.designs import DESIGNS
from gaitproof.evaluate.protocol import LEVELS
from gaitproof.modelling.domain_recipe import Kind
from gaitproof.pose.formats import FORMATS
from gaitproof.server.access import Role
from gaitproof.synth.staging import Stage

PROGRAMS = {"gaitproof": app, "experiments": make_app()}
WIDTH = 80


def _walk(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield names, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, (*names, name))


COMMANDS = {
    " ".join((program, *names)): (program, names, command)
    for program, typed in PROGRAMS.items()
    for names, command in _walk(get_command(typed))
}


def _words(text: str) -> str:
    """Return a text without its line breaks, as a reader takes it."""
    return " ".join(text.split())


@pytest.fixture(params=COMMANDS)
def shown(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """A command and its help."""
    program, names, command = COMMANDS[request.param]
    runner = CliRunner(env={"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH)})
    done = runner.invoke(PROGRAMS[program], [*names, "--help"])
    assert done.exit_code == 0
    return command, done.stdout


def test_every_command_was_found() -> None:
    assert len(COMMANDS) > 50
    assert {"gaitproof", "gaitproof gallery export", "experiments kth"} <= COMMANDS.keys()


def test_nothing_is_cut_off(shown: tuple[Any, str]) -> None:
    command, text = shown
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= WIDTH
    _, _, listed = text.partition("\nCommands:\n")
    assert "..." not in listed
    assert set(getattr(command, "commands", ())) == set(re.findall(r"^  ([\w-]+)", listed, re.M))


def test_everything_is_said_and_said_whole(shown: tuple[Any, str]) -> None:
    command, text = shown
    words = _words(text)
    assert command.help, "a command without help"
    assert _words(command.help) in words
    for parameter in command.params:
        if not parameter.hidden:
            assert parameter.help, f"{parameter.name} without help"
            assert _words(parameter.help) in words
            show = parameter.show_default
            default = f"({show})" if isinstance(show, str) else parameter.default
            if show and default and isinstance(default, str):
                assert f"[default: {default}" in words


def test_no_markup_and_no_name_of_a_type_of_python(shown: tuple[Any, str]) -> None:
    _, text = shown
    assert "`" not in text
    options = text.partition("\nOptions:\n")[2]
    assert "<bool>" not in text
    assert "<list" not in options


ALIKE = {
    "-o": {"--output", "--out", "-o"},
    "--jobs": {"--workers", "--jobs", "-j"},
    "--recipe": {"--config", "--recipe"},
    "--overwrite": {"--overwrite", "--force"},
}
"""What else an option is called that has one of these names, in every command."""


def test_choices_are_those_of_the_package() -> None:
    def choices(command: str, name: str) -> set[str]:
        _, _, click_command = COMMANDS[f"gaitproof {command}"]
        option = next(p for p in click_command.params if p.name == name)
        return set(option.type_descriptor.choices)

    assert choices("face prepare", "layout") == {"auto", *LAYOUTS}
    assert choices("dataset manifest", "layout") == set(get_args(Layout))
    assert choices("dataset make", "stage") == set(get_args(Stage))
    assert choices("evaluate", "protocol") == {*DESIGNS, "leave-domain-out"}
    assert choices("calibrate", "by") == set(get_args(Kind))
    assert choices("tune", "figure") == set(FIGURE_NAMES)
    assert choices("tune", "level") == set(LEVELS)
    assert choices("convert", "to") == set(FORMATS)
    assert choices("keys add", "role") == set(Role)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("dataset", "make", "-o", "out", "--stage", "moon"), "treadmill"),
        (("dataset", "manifest", "in", "--layout", "heap"), "folders"),
        (("face", "prepare", "in", "-o", "out", "--layout", "heap"), "celeb-df"),
        (("face", "evaluate", "model", "store", "--split", "all"), "validation"),
        (("evaluate", "recipe.yaml", "--protocol", "cross-country"), "cross-view"),
        (("calibrate", "model", "--data", "in", "--by", "weather"), "condition"),
        (("tune", "recipe.yaml", "-o", "out", "--objective", "f1"), "eer"),
        (("tune", "recipe.yaml", "-o", "out", "--level", "video"), "clip"),
        (("convert", "a.npz", "-o", "b.npz", "--to", "fbx"), "mediapipe-csv"),
        (("keys", "add", "--role", "root"), "enrol"),
        (("train", "recipe.yaml", "-o", "out", "--accelerator", "abacus"), "mps"),
    ],
)
def test_an_unknown_choice_is_a_usage_error(words: tuple[str, ...], known: str) -> None:
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert words[-2] in done.output
    assert known in done.output


def test_options_are_named_alike(shown: tuple[Any, str]) -> None:
    command, _ = shown
    for parameter in command.params:
        for name in ALIKE.keys() & set(parameter.opts):
            assert set(parameter.opts) == ALIKE[name]
