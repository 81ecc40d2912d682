"""JSON and YAML of bounded memory, depth and digits."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from gaitproof.reading.files import FileKind, Source, decode_text, read_bytes, read_text
from gaitproof.reading.guard import guarded

MAX_JSON_MEMORY: Final = 2**30
"""Bytes that the values of a JSON document may take, as `_memory` estimates them."""

MAX_DEPTH: Final = 64
"""Deepest nesting of a document."""

MAX_DIGITS: Final = 309
"""Most digits of an integer: a longer one does not even fit into a float."""

MAX_YAML_NODES: Final = 100_000
"""Most values of a YAML document with its aliases expanded."""

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")

_OPEN: Final = (0, 0)
"""Of a node that is being measured: an alias that leads here holds itself."""

Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Source, kind: FileKind, *, strict: bool = False) -> Any:
    """Return what a JSON file holds.

    Parameters
    ----------
    path, kind
        As `read_bytes`.
    strict
        Refuse NaN, infinities and a key that stands twice in an object, of which readers disagree
        which one counts.

    Raises
    ------
    GaitproofError
        The kind's error, also for a document that would take more than `MAX_JSON_MEMORY`, is
        nested more than `MAX_DEPTH` deep, or holds an integer of more than `MAX_DIGITS` digits.
    """
    return parse_json(read_bytes(path, kind), path, kind, strict=strict)


def parse_json(data: bytes | str, path: Source, kind: FileKind, *, strict: bool = False) -> Any:
    """Return what JSON holds; `path` is for messages, the rest as `read_json`."""
    text = data if isinstance(data, str) else decode_text(data, path, kind)
    hooks: dict[str, Any] = {}
    if strict:
        hooks = {"object_pairs_hook": _unique, "parse_constant": _refuse}
    with guarded(path, kind):
        memory = _memory(text)
        if memory > MAX_JSON_MEMORY:
            raise ValueError(
                f"about {memory / 2**30:.1f} GiB of values; at most {MAX_JSON_MEMORY // 2**30} "
                "GiB are read"
            )
        value = json.loads(text, parse_int=_integer, **hooks)
        _check_depth(value)
        if _SURROGATE.search(text):  # half a character: it could never be written again
            json.dumps(value, ensure_ascii=False).encode()
        return value


def read_model(path: Source, kind: FileKind, model: type[Model]) -> Model:
    """Return a JSON file as a pydantic class validates it; errors as `read_json`."""
    return parse_model(read_bytes(path, kind), path, kind, model)


def parse_model(data: bytes | str, path: Source, kind: FileKind, model: type[Model]) -> Model:
    """Return JSON as a pydantic class validates it; errors as `read_json`."""
    text = data if isinstance(data, str) else decode_text(data, path, kind)
    parse_json(text, path, kind)
    with guarded(path, kind):
        # from the text: a class takes from JSON what it refuses of Python, as text for a date
        return model.model_validate_json(text)


def _memory(text: str) -> int:
    """Estimate from above what the values of a JSON text take, its own copies included.

    Measured on CPython 3.11: an empty object 72 bytes, the first of 5 keys 120 more, each key with
    its memo 116, a number 36, a string 59 and its characters.
    """
    objects, keys = text.count("{"), text.count(":")
    return (
        2 * sys.getsizeof(text)
        + 80 * (objects + text.count("["))
        + 120 * min(objects, keys)
        + 116 * keys
        + 40 * text.count(",")
        + 10 * text.count('"')
    )


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            part
            for whole in level
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"nested more than {MAX_DEPTH} deep")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return mapping


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def read_yaml(path: Source, kind: FileKind) -> Any:
    """Return what a YAML file holds, in plain Python types; None for an empty one.

    Raises
    ------
    GaitproofError
        The kind's error, also for a document of more than one part, of more than `MAX_YAML_NODES`
        values with its aliases expanded, that holds itself, is nested more than `MAX_DEPTH` deep,
        or holds an integer of more than `MAX_DIGITS` digits or a date that does not exist.
    """
    return parse_yaml(read_text(path, kind), path, kind)


def parse_yaml(text: str, path: Source, kind: FileKind) -> Any:
    """Return what YAML holds; `path` is for messages, the rest as `read_yaml`."""
    import yaml

    with guarded(path, kind):
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _measure(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()


def _measure(node: Any, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return how many values a node is with its aliases expanded, and how deep it is.

    Measured before anything is constructed: a merge key copies what an alias stands for.
    """
    if id(node) in known:
        if known[id(node)] == _OPEN:
            raise ValueError("an alias that holds itself")
        return known[id(node)]
    known[id(node)] = _OPEN
    size, depth = 1, 0
    if isinstance(node.value, str):
        if node.tag.rpartition(":")[2] in ("int", "float") and len(node.value) > MAX_DIGITS:
            raise ValueError(f"a number of {len(node.value)} digits")
    else:
        for entry in node.value:
            for part in entry if isinstance(entry, tuple) else (entry,):
                more, below = _measure(part, known)
                size, depth = size + more, max(depth, below + 1)
                if size > MAX_YAML_NODES:
                    raise ValueError(f"aliases that stand for more than {MAX_YAML_NODES} values")
                if depth > MAX_DEPTH:
                    raise ValueError(f"nested more than {MAX_DEPTH} deep")
    known[id(node)] = size, depth
    return size, depth
