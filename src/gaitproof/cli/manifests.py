"""`gaitproof dataset manifest`, `split`, `audit` and `augment`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gaitproof.cli.dataset import commands
from gaitproof.cli.options import (
    FAILED_STATUS,
    FolderOption,
    JsonOption,
    LayoutOption,
    OverwriteOption,
    ProcessesOption,
    SeedOption,
    output_option,
)
from gaitproof.errors import ConfigError, InputError

if TYPE_CHECKING:
    from gaitproof.data.manifest import ManifestRow
    from gaitproof.media.augment import Kind

LEAK_STATUS: Final = 1
"""Process exit status of an audit that found something."""

ManifestArgument = Annotated[Path, typer.Argument(metavar="MANIFEST", help="Manifest (CSV).")]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", help="Folder of the videos, if not the manifest's own."),
]


@commands.command()
def manifest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of videos.")],
    out: Annotated[Path | None, output_option("Manifest to write; DIR/manifest.csv.")] = None,
    layout: LayoutOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the videos of a folder: who is in them, SHA-256."""
    from gaitproof.cli.output import printable, progress_bar, show
    from gaitproof.data.listing import add_hashes, build_manifest, find_duplicates

    rows = build_manifest(folder, layout)
    target = out or folder / "manifest.csv"
    with progress_bar("Hashing") as bar:
        rows = add_hashes(rows, folder, progress=bar)
    duplicates = [[row.path for row in group] for group in find_duplicates(rows)]
    rows, inside = _below(rows, folder, target.parent)
    _save(target, rows, overwrite=overwrite)
    people = len({row.subject for row in rows})
    values = {
        "manifest": str(target),
        "clips": len(rows),
        "subjects": people,
        "duplicates": duplicates,
        "root": str(target.parent if inside else folder),
    }
    lines = [f"{target}: {len(rows)} clips of {people} people"]
    lines += [f"The same file: {', '.join(group)}" for group in duplicates]
    if not inside:
        lines.append(f"The videos are not below {target.parent}: give --root {folder} with it.")
    show(values, *map(printable, lines), as_json=as_json)


@commands.command()
def split(
    path: ManifestArgument,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Write a column fold: each person held out once.")
    ] = None,
    test_share: Annotated[
        float | None, typer.Option(help="Write a column split: this share of the people is test.")
    ] = None,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        output_option("Manifest to write; MANIFEST-folds.csv or -split.csv."),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Split the people of a manifest.

    Copies go with the person filmed.
    """
    from collections import Counter

    from gaitproof.cli.output import printable, show
    from gaitproof.data.manifest import read_manifest
    from gaitproof.data.split import assign_folds, assign_split

    rows = read_manifest(path)
    if folds is not None and test_share is None:
        divided, name = assign_folds(rows, folds, seed), "fold"
    elif test_share is not None and folds is None:
        divided, name = assign_split(rows, test_share, seed), "split"
    else:
        raise ConfigError("Say how to divide.", expected="either --folds or --test-share")
    target = out or path.with_name(f"{path.stem}-{'folds' if name == 'fold' else 'split'}.csv")
    _save(target, divided, overwrite=overwrite)
    clips = Counter(getattr(row, name) for row in divided)
    people = {part: len({r.walker for r in divided if getattr(r, name) == part}) for part in clips}
    parts = {p: {"clips": clips[p], "people": people[p]} for p in sorted(clips)}
    lines = [f"{name} {p}: {clips[p]} clips of {people[p]} people" for p in parts]
    values = {"manifest": str(target), name: parts}
    show(values, printable(str(target)), *lines, as_json=as_json)


@commands.command()
def audit(
    path: ManifestArgument,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for leaks in a manifest and its splits.

    Exits with status 1 if there is one.
    """
    from gaitproof.cli.output import print_json, printable, progress_bar
    from gaitproof.data.audit import audit_rows, hash_files
    from gaitproof.data.manifest import read_manifest

    rows = read_manifest(path)
    with progress_bar("Hashing") as bar:
        hashed, changed, notes = hash_files(rows, root or path.parent, progress=bar)
    findings = (*changed, *audit_rows(hashed))
    people = len({row.walker for row in rows})
    if as_json:
        print_json(
            {
                "manifest": str(path),
                "clips": len(rows),
                "subjects": people,
                "clean": not findings,
                "findings": [
                    {"check": f.check, "message": f.message, "remedy": f.remedy} for f in findings
                ],
                "notes": list(notes),
            }
        )
    else:
        for note in notes:
            typer.echo(printable(note))
        for finding in findings:
            typer.echo(printable(f"LEAK ({finding.check}): {finding.message}"))
            typer.echo(printable(f"  What to do: {finding.remedy}."))
        verdict = f"{len(findings)} found" if findings else "no leak found"
        typer.echo(f"{len(rows)} clips of {people} people: {verdict}")
    if findings:
        raise typer.Exit(LEAK_STATUS)


@commands.command()
def augment(
    path: ManifestArgument,
    out: Annotated[
        Path | None,
        output_option("For the copies; below the videos' folder.", "DIR"),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            help="flip, light, rotation, blur, distance, slow, fast, reverse: some of them, "
            "comma-separated; all by default."
        ),
    ] = None,
    copies: Annotated[
        int, typer.Option(min=1, max=100, help="Of each of light, rotation and blur.")
    ] = 1,
    seed: SeedOption = 0,
    root: RootOption = None,
    manifest_out: Annotated[
        Path | None,
        typer.Option("--manifest", help="Manifest of both, if not NAME-augmented.csv."),
    ] = None,
    workers: ProcessesOption = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write augmented copies of the videos and their manifest.

    The manifest lists originals and copies.

    Copies are training data only. A mirrored or reversed walk is another walker's: its subject is
    NAME~mirrored or NAME~reversed. The same command resumes an interrupted run.
    Exits with status 2 if a video failed; the others are done all the same.
    """
    from typing import cast

    from gaitproof.cli.output import failure_table, print_json, printable, progress_bar, stdout
    from gaitproof.data.copies import mark_folder, plan_copies, write_copies
    from gaitproof.data.manifest import read_manifest
    from gaitproof.media.augment import KINDS
    from gaitproof.pose.parallel import available_processors

    rows = read_manifest(path)
    base = root or path.parent
    folder = out or base / "augmented"
    names = [k.strip() for k in kinds.split(",") if k.strip()] if kinds is not None else KINDS
    wanted = cast("Sequence[Kind]", names)
    jobs, failures = plan_copies(rows, base, folder, kinds=wanted, copies=copies, seed=seed)
    mark_folder(folder, kinds=wanted, copies=copies, seed=seed)
    with progress_bar(f"Writing {len(jobs)} copies") as bar:
        results = write_copies(jobs, workers=workers or available_processors(), progress=bar)
    written = [r for r in results if r.error is None]
    failed = [*failures, *(r for r in results if r.error is not None)]
    target = manifest_out or path.with_name(f"{path.stem}-augmented.csv")
    _save(target, [*rows, *(r.row for r in written)], overwrite=overwrite)
    if as_json:
        print_json(
            {
                "manifest": str(target),
                "copies": len(written),
                "kept": sum(r.skipped for r in written),
                "failed": [{"path": r.row.path, "error": r.error} for r in failed],
            }
        )
    else:
        kept = sum(r.skipped for r in written)
        typer.echo(
            printable(f"{target}: {len(rows)} clips and {len(written)} copies ({kept} kept)")
        )
        if failed:
            # an original that cannot be read fails once per copy, for the same reason
            reasons = dict.fromkeys((r.row.parent or r.row.path, r.error or "") for r in failed)
            stdout().print(failure_table(list(reasons)))
    if failed:
        raise typer.Exit(FAILED_STATUS)


def _below(
    rows: Sequence[ManifestRow], folder: Path, above: Path
) -> tuple[tuple[ManifestRow, ...], bool]:
    """Write paths from `above` on, if `folder` lies in it; the second value says whether."""
    from dataclasses import replace

    base, inner = above.resolve(), folder.resolve()
    if not inner.is_relative_to(base):
        return tuple(rows), False
    place = inner.relative_to(base)
    return tuple(replace(row, path=(place / row.path).as_posix()) for row in rows), True


def _save(target: Path, rows: Sequence[ManifestRow], *, overwrite: bool) -> None:
    """Write a manifest; another one that is there, perhaps edited by hand, is not lost."""
    from gaitproof.data.manifest import manifest_bytes
    from gaitproof.media.files import make_folder, write_atomically
    from gaitproof.reading import FileKind, read_bytes

    data = manifest_bytes(rows)
    if target.exists() and not overwrite:
        if read_bytes(target, FileKind("manifest", max_bytes=2**28)) == data:
            return
        raise InputError(
            f"The manifest {str(target)!r} is there already, with other contents.",
            hint="--overwrite, or another name with -o",
        )
    make_folder(target.parent)
    write_atomically(target, data)


@commands.command()
def shards(
    data: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="Data set of walks, as for 'evaluate'.")
    ],
    out: FolderOption,
    as_json: JsonOption = False,
) -> None:
    """Pack the recordings of a data set into few large files.

    For data sets of very many clips. The folder is a data set as the original is.
    """
    from gaitproof.cli.output import printable, show
    from gaitproof.data.gait.load import read_walks
    from gaitproof.data.gait.shards import save_shards

    files = save_shards(read_walks(data, data.stem), out)
    size = sum(file.stat().st_size for file in files)
    line = f"{out}: {len(files)} shards, {size / 1e6:.1f} MB"
    show({"out": str(out), "shards": len(files), "bytes": size}, printable(line), as_json=as_json)
