"""What the documentation says is so: code runs, commands exist, links lead somewhere."""

import re
import shlex
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, block {number}", "exec"), {})


def commands_of(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    inline = re.findall(r"`(?:[\w./]*/)?(gaitproof [^`\n]+)`", text)
    fenced = [
        found.group(1)
        for block in blocks(page, "")
        for line in block.splitlines()
        if (found := re.match(r"(?:[\w./]*/)?(gaitproof [^#]+)", line))
    ]
    return [*inline, *fenced]


ALL_COMMANDS = [(page, command) for page in PAGES for command in commands_of(page)]


def test_the_search_for_commands_finds_them():
    assert len(ALL_COMMANDS) > 15


@pytest.mark.parametrize(
    ("page", "command"), ALL_COMMANDS, ids=[f"{p.name}: {c}" for p, c in ALL_COMMANDS]
)
def test_named_commands_and_options_exist(page, command):
    from gaitproof.cli.app import app

    words = shlex.split(command.replace("…", ""))[1:]
    group = typer.main.get_command(app)
    names: list[str] = []
    while words and isinstance(getattr(group, "commands", None), dict):
        if words[0] not in group.commands:
            break
        names.append(words.pop(0))
        group = group.commands[names[-1]]
    known = {"--help", "--version"} | {
        option
        for parameter in group.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    used = {word.split("=")[0] for word in words if word.startswith("-")}
    assert names or used, command
    assert used <= known, f"{used - known} in {command!r}"
    assert CliRunner().invoke(app, [*names, "--help"]).exit_code == 0


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if target.startswith(("https://", "#")):
            continue
        assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("name", ["demo", "test", "bench", "lint"])
def test_make_targets_exist(name):
    text = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{name}:", text, re.M)


def test_every_dependency_is_in_the_licence_ledger():
    ledger = re.sub(r"[-_ ]", "", (ROOT / "docs/licences.md").read_text().lower())
    other_names = {"av": "pyav"}
    for line in metadata.requires("gaitproof") or []:
        name = re.match(r"[\w-]+", line).group()
        if name != "gaitproof":
            assert re.sub(r"[-_]", "", other_names.get(name, name)).lower() in ledger, name


def test_index_lists_every_page():
    index = (ROOT / "docs/index.md").read_text()
    for page in ROOT.glob("docs/*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name
