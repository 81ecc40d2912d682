"""``python -m fuzz``: feed the readers, run the command lines, kill the writers; print a table."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz import commands, corpus, kills, lines, world
from fuzz.readers import Reader, readers
from fuzz.runner import SECONDS, Tally, feed, smallest

PARTS = ("readers", "commands", "kills")

HEAD = (
    "| reader | inputs | read | refused | wrong | slowest, s | memory, MB |\n"
    "|---|---:|---:|---:|---:|---:|---:|"
)


def main() -> int:
    """Run what is asked for; return 1 if anything went wrong."""
    options = _options()
    parts = options.parts or PARTS
    share = options.seconds / len(parts) if options.seconds else float("inf")
    wrong = 0
    if "readers" in parts:
        wrong += run_readers(options, share)
    if "commands" in parts or "kills" in parts:
        with tempfile.TemporaryDirectory(dir=_fast()) as name:
            place = Path(name)
            world.build(place / "template")
            if "commands" in parts:
                wrong += run_commands(options, place, share)
            if "kills" in parts:
                wrong += run_kills(options, place, share)
    print("\nNothing went wrong." if not wrong else f"\n{wrong} went wrong.")
    return int(wrong > 0)


def run_readers(options: argparse.Namespace, seconds: float) -> int:
    """Feed the readers."""
    chosen = [
        r for r in readers() if not options.reader or any(n in r.name for n in options.reader)
    ]
    started = time.monotonic()
    print(HEAD)
    tallies = []
    for place, (reader, count) in enumerate(shares(chosen, options.inputs)):
        numbers: Sequence[int] = range(options.first, options.first + count)
        if options.only is not None:
            numbers = [options.only]
        until = started + seconds * (place + 1) / len(chosen)
        tally = feed(reader, numbers, options.seed, seconds=options.limit, until=until)
        tallies.append(tally)
        print(row(reader.name, tally), flush=True)
        _tell(
            f"{f.kind} at {f.where}: seed {f.seed}, input {f.number}: {f.text}"
            for f in smallest(tally.findings)
        )
        if options.keep and tally.findings:
            corpus.keep(reader, tally.findings)
    print(row("together", total(tallies)))
    return sum(len(tally.findings) for tally in tallies)


def run_commands(options: argparse.Namespace, place: Path, seconds: float) -> int:
    """Run hostile command lines."""
    started, wrong, done = time.monotonic(), 0, 0
    slowest, peak = 0.0, 0
    for number in range(options.first, options.first + options.lines):
        if time.monotonic() - started > seconds:
            break
        line = lines.make_line(number, options.seed)
        result = commands.run(line, place / "template", place / "world")
        done, wrong = done + 1, wrong + bool(result.wrong)
        slowest, peak = max(slowest, result.seconds), max(peak, result.peak)
        if result.wrong:
            _tell([str(line), *result.wrong])
    print(
        f"\n{done} hostile command lines over {len(lines.leaves())} commands: {wrong} went "
        f"wrong; slowest {slowest:.1f} s, largest {peak / 2**20:.0f} MB."
    )
    return wrong


def run_kills(options: argparse.Namespace, place: Path, seconds: float) -> int:
    """Kill commands that write."""
    import_everything()
    template, folder = place / "template", place / "killed"
    started, wrong, done, hit = time.monotonic(), 0, 0, 0
    names = kills.plan(options.first + min(options.kills, 10_000))
    normal: dict[str, kills.Normal] = {}
    for number in range(options.first, len(names)):
        if time.monotonic() - started > seconds:
            break
        name = names[number]
        if name not in normal:
            normal[name] = kills.observe(name, template, folder)
            if options.verbose:
                print(name, normal[name].status, normal[name].seconds, normal[name].events)
        rng = random.Random(f"{options.seed}/kill/{number}")
        outcome = kills.kill(name, normal[name], template, folder, rng)
        done, hit, wrong = done + 1, hit + outcome.killed, wrong + bool(outcome.wrong)
        if outcome.wrong:
            _tell([f"#{number} {name}, killed at {outcome.moment}", *outcome.wrong])
    print(
        f"\n{done} starts of {len(normal)} writing commands, {hit} of them killed by SIGKILL: "
        f"{wrong} lost or left something."
    )
    return wrong


def import_everything() -> None:
    """Import what the commands import when they run, so that a start costs nothing."""
    import importlib
    import pkgutil

    import gaitproof

    for module in pkgutil.walk_packages(gaitproof.__path__, "gaitproof."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def shares(chosen: Sequence[Reader], inputs: int) -> list[tuple[Reader, int]]:
    """Give every reader its share of the inputs, slow ones fewer."""
    whole = sum(reader.cost**-0.5 for reader in chosen)
    return [(reader, max(1, round(inputs * reader.cost**-0.5 / whole))) for reader in chosen]


def total(tallies: Sequence[Tally]) -> Tally:
    """Return the sum of what became of inputs."""
    return Tally(
        sum(t.inputs for t in tallies),
        sum(t.read for t in tallies),
        sum(t.refused for t in tallies),
        [finding for t in tallies for finding in t.findings],
        max((t.slowest for t in tallies), default=0.0),
        max((t.peak for t in tallies), default=0),
    )


def row(name: str, tally: Tally) -> str:
    """Return a row of the table."""
    cells = (
        name,
        tally.inputs,
        tally.read,
        tally.refused,
        len(tally.findings),
        f"{tally.slowest:.1f}",
        f"{tally.peak / 2**20:.0f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _tell(lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        print(
            "  !",
            line.encode("ascii", "backslashreplace").decode().replace("\x1b", "\\e"),
            flush=True,
        )


def _fast() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all by default")
    parser.add_argument("--inputs", type=int, default=20_000, help="for all readers together")
    parser.add_argument("--lines", type=int, default=300, help="hostile command lines")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0, help="stop after about this time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--reader", action="append", help="only readers with this in their name")
    parser.add_argument("--only", type=int, help="only the input of this number")
    parser.add_argument("--limit", type=float, default=SECONDS, help="seconds of one input")
    parser.add_argument("--keep", action="store_true", help="keep what goes wrong in the corpus")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
