"""What the documentation says is so: code runs, commands exist, links lead somewhere."""

import re
import shlex
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from experiments.__main__ import make_app
from gaitproof.cli.app import app as product

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("experiments/**/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, block {number}", "exec"), {})


PROGRAMS = {"gaitproof": product, "python -m experiments": make_app()}
TREES = {program: typer.main.get_command(app) for program, app in PROGRAMS.items()}


@cache
def help_status(program: str, *names: str) -> int:
    """Return the exit status of a command's help, which many pages name."""
    return CliRunner().invoke(PROGRAMS[program], [*names, "--help"]).exit_code


def commands_of(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    start = rf"(?:[\w./]*/)?((?:{'|'.join(PROGRAMS)}) "
    inline = re.findall(rf"`{start}[^`\n]+)`", text)
    fenced = [
        match.group(1)
        for block in blocks(page, "")
        for line in block.splitlines()
        if (match := re.match(rf"{start}[^#]+)", line))
    ]
    return [*inline, *fenced]


ALL_COMMANDS = [(page, command) for page in PAGES for command in commands_of(page)]


def test_the_search_for_commands_finds_them():
    for program in PROGRAMS:
        assert sum(command.startswith(program) for _, command in ALL_COMMANDS) > 15


@pytest.mark.parametrize(
    ("page", "command"), ALL_COMMANDS, ids=[f"{p.name}: {c}" for p, c in ALL_COMMANDS]
)
def test_named_commands_and_options_exist(page, command):
    program = next(name for name in PROGRAMS if command.startswith(f"{name} "))
    words = shlex.split(command.removeprefix(program).replace("…", ""))
    group = TREES[program]
    names: list[str] = []
    while words and words[0] in getattr(group, "commands", {}):
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
    alone = getattr(group, "invoke_without_command", True)  # as a group does something by itself
    if not alone and page.name != "CHANGELOG.md":  # which names what was
        assert all(re.match(r"-|\w+[|]", word) for word in words), f"no command in {command!r}"
    assert help_status(program, *names) == 0


@cache
def anchors(page: Path) -> set[str]:
    """Return what its headings are called in links, as the usual viewers do."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("name", ["demo", "test", "bench", "lint"])
def test_make_targets_exist(name):
    text = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{name}:", text, re.M)


def test_every_dependency_is_in_the_licence_ledger():
    ledger = re.sub(r"[-_ ]", "", (ROOT / "docs/reference/licences.md").read_text().lower())
    other_names = {"av": "pyav"}
    for line in metadata.requires("gaitproof") or []:
        name = re.match(r"[\w-]+", line).group()
        if name != "gaitproof":
            assert re.sub(r"[-_]", "", other_names.get(name, name)).lower() in ledger, name


def test_index_lists_every_page():
    index = (ROOT / "docs/index.md").read_text()
    for page in ROOT.glob("docs/**/*.md"):
        where = str(page.relative_to(ROOT / "docs"))
        assert where == "index.md" or f"({where})" in index, where


SOUGHT = {
    "__main__.py": "| 130 | Ctrl+C |",
    "bench/__init__.py": "gaitproof bench",
    "cli/demo.py": "KTH",
    "cli/formats.py": "lost on writing",
    "config.py": "sandbox",
    "data/face/layouts/__init__.py": "wild-deepfake",
    "data/gait/safe_pickle.py": "plain little-endian arrays",
    "evaluate/worst_case.py": "references differ",
    "gait/checks.py": "variance explained by one sinusoid",
    "gait/preservation.py": "18 of the 80 other walks",
    "gait/view.py": "walking direction",
    "modelling/compression.py": "int8",
    "nets/discriminant.py": "both together 0.6 to 0.8 %",
    "pose/formats/__init__.py": "lost on writing",
    "pose/formats/openpose.py": "left small toe | none",
    "server/jobs.py": "DBOS",
    "train/face/sampler.py": "genuine clips",
    "verify/scaled.py": "references differ",
    "verify/typicality.py": "Foreign references",
}
"""By module: what somebody who is sent to the documentation looks for there."""

SOURCE = ROOT / "src" / "gaitproof"
POINTERS = [
    (path.relative_to(SOURCE).as_posix(), reference)
    for path in sorted(SOURCE.rglob("*.py"))
    for reference in re.findall(r"docs/[\w/.-]+\.md(?:#[\w-]+)?", path.read_text("utf-8"))
]


@pytest.mark.parametrize(("module", "address"), sorted(set(POINTERS)))
def test_what_the_code_points_to_is_there(module, address):
    page, _, anchor = address.partition("#")
    assert not anchor or anchor in anchors(ROOT / page)
    text = (ROOT / page).read_text("utf-8")
    assert SOUGHT[module] in text


def test_tests_that_pages_name_are_there():
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            continue  # says what was
        named = re.findall(r"`(?:tests/)?((?:\w+/)*test_\w+\.py)(?:::(\w+))?`", page.read_text())
        for path, test in named:
            files = [ROOT / "tests" / path] if "/" in path else (ROOT / "tests").rglob(path)
            texts = [file.read_text() for file in files]
            assert any(not test or f"def {test}(" in text for text in texts), (page, path, test)
