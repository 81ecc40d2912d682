"""Every reader of outside data and every command is in the fuzzer's lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gaitproof
from fuzz.lines import COMMANDS, SLOW, leaves, make_line
from fuzz.readers import readers

PACKAGE = Path(gaitproof.__file__).parent
NAMED = re.compile(r"(load|read|open|parse|probe|unpack|check_report)(_|$)|bits_per_pixel")
PLACES = ("path", "where", "folder", "file", "root", "data", "manifest", "model", "key")

ELSEWHERE = {
    "gaitproof.data.face.layouts.fake_av_celeb": "the table of clips, through read_table",
    "gaitproof.data.face.layouts.forged_parts": "a JSON list, as DFDC's",
    "gaitproof.server": "requests: schemathesis and hostile uploads in tests/server",
    "gaitproof.verify.encryption.load_key": "the user's own key: tests/verify/test_encryption",
    "gaitproof.verify.postgres.parse_url": "words of the user's: tests/verify/test_postgres",
    "gaitproof.modelling.compression.load_parts": "as load_card, load_face_card, load_weights",
    "gaitproof.modelling.tuning.opened": "the study of a run folder, which Optuna reads",
    "gaitproof.train.training": "the logs of a run folder",
    "gaitproof.pipeline.state.read_result": "JSON that a step of the same folder wrote",
    "gaitproof.modelling.store.TrialStore.save": "writes",
    "gaitproof.cases.answers.open_ledger": "through read_answers",
    "gaitproof.cases.faces.FaceTools.load": "through FaceForgeryModel.load and load_weights",
    "gaitproof.verify.search.CellIndex.load": "an index of one's own, which faiss trusts",
    "gaitproof.verify.storage.open_storage": "through Gallery.open",
    "gaitproof.verify.verifier.Verifier.open": "through Gallery.open and OnnxEncoder.load",
    "gaitproof.data.gait.load.read_walks": "as load_recordings, or the manifest one by one",
    "gaitproof.verify.walk.read_walk": "poses of a video that was read",
    "gaitproof.reading": "through everything that reads with it",
    "gaitproof.media.sandbox.open_reader": "through read_frames without a sandbox",
    "gaitproof.modelling.silhouettes.load_silhouette_sources": "through load_silhouettes",
    "gaitproof.train.face.features": "features that a training keeps beside its store",
    "gaitproof.nets.trainable": "a gait model's torch network: tensors, as in a checkpoint",
    "gaitproof.train.estimator_error.load_pairs": "through the manifest and pose files",
    "gaitproof.cli": "words of the command line: fuzz.commands",
    "gaitproof.doctor": "this machine",
    "gaitproof.synth": "made here",
    "gaitproof.verify.movement.parse_average": "inside the package",
    "gaitproof.evaluate.frozen.load_for": "as load_data, load_masks or load_both",
    "gaitproof.bench": "made here",
    "gaitproof.demo": "made here",
}
"""Readers that are reached otherwise, or read nothing of a stranger's, and why."""


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in PACKAGE.rglob("*.py"):
        module = ".".join(("gaitproof", *file.relative_to(PACKAGE).with_suffix("").parts))
        module = module.removesuffix(".__init__")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body:
            owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
            inside = node.body if isinstance(node, ast.ClassDef) else [node]
            for one in inside:
                if isinstance(one, ast.FunctionDef):
                    yield f"{module}.{owner}{one.name}", one


def _public_readers() -> set[str]:
    return {
        name
        for name, function in _functions()
        if NAMED.match(function.name) and any(a.arg in PLACES for a in function.args.args)
    }


def test_every_public_reader_is_fuzzed_or_its_absence_explained() -> None:
    covered = {name for reader in readers() for name in reader.covers}
    missing = {
        name
        for name in _public_readers() - covered
        if not any(name == known or name.startswith(f"{known}.") for known in ELSEWHERE)
    }
    assert not missing


def test_what_readers_say_they_cover_exists() -> None:
    covered = {name for reader in readers() for name in reader.covers}
    assert covered <= {name for name, _ in _functions()}


def test_names_are_unique() -> None:
    names = [reader.name for reader in readers()]
    assert len(names) == len(set(names))


def test_every_command_of_the_tree_is_tried() -> None:
    assert sorted((*COMMANDS, *SLOW)) == leaves()
    tried = {make_line(number).command for number in range(300)}
    assert tried == set(leaves())
