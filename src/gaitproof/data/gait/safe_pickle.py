"""NumPy arrays out of pickles without executing them.

A pickle is a program: `pickle.load` calls whatever function it names. This reader never looks up a
name and never calls anything that a file asks for. It walks the opcodes with
`pickletools.genops`, keeps a stack of plain values and inert marks, knows by name the handful of
constructors that NumPy's own pickles use, and builds the array itself from their arguments by
`numpy.frombuffer`. Every other opcode or name is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.reading import FileKind, guarded, read_bytes

_FILE: Final = FileKind(
    "pickle of a NumPy array",
    InputError,
    2**26,
    expected="one NumPy array of numbers; nothing in the file was executed",
    hint="where you trust the file, convert it: numpy.save(...) of its array, then the .npz layout "
    "of docs/reference/formats.md",
)

MAX_BYTES_CREATED: Final = 2**27
"""Most bytes that the file's calls make: a file of 40 MB can ask 200 times for a copy of itself."""

MAX_STEPS: Final = 10_000
"""Most opcodes: an array needs fewer than 60."""

_RECONSTRUCT: Final = frozenset(
    {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}
)
_FROM_BUFFER: Final = frozenset(
    {("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer")}
)
_NDARRAY: Final = ("numpy", "ndarray")
_DTYPE: Final = ("numpy", "dtype")
_ENCODE: Final = ("_codecs", "encode")
_KNOWN: Final = _RECONSTRUCT | _FROM_BUFFER | {_NDARRAY, _DTYPE, _ENCODE}

_TYPES: Final = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})

_CONSTANTS: Final = {
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": (),
}
_VALUES: Final = frozenset(
    {
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINUNICODE",
        "BINUNICODE8",
        "SHORT_BINUNICODE",
        "BINBYTES",
        "BINBYTES8",
        "SHORT_BINBYTES",
        "BYTEARRAY8",
        # Python 2 wrote text and bytes alike
        "BINSTRING",
        "SHORT_BINSTRING",
    }
)
_ORDERS: Final[dict[str, Literal["<", ">", "="]]] = {"<": "<", ">": ">", "|": "=", "=": "="}
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _RefusedError(ValueError):
    """The pickle is not exactly one array."""


@dataclass(frozen=True)
class _Name:
    """A name that the file asks for; it is compared with known ones and never looked up."""

    key: tuple[str, str]


class _Mark:
    """Start of a tuple."""


@dataclass
class _Type:
    """What the file says of a dtype."""

    code: str
    order: str = "="


@dataclass
class _Array:
    """What the file says of an array."""

    state: tuple[Any, ...] | None = None


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    created_bytes: int = 0

    def pop(self, kind: type | tuple[type, ...] = object) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise _RefusedError("it is not the pickle of an array")
        return self.stack.pop()

    def to_mark(self) -> tuple[Any, ...]:
        items: list[Any] = []
        while True:
            item = self.pop()
            if isinstance(item, _Mark):
                return tuple(reversed(items))
            items.append(item)


def load_array(path: Path) -> NDArray[Any]:
    """Read the one numeric array of a pickle, executing nothing.

    Parameters
    ----------
    path
        File written by ``pickle.dump(array, file)``, any protocol from 2 on, NumPy 1 or 2.

    Returns
    -------
    ndarray
        Integers or floats of 1 to 8 bytes, finite or not; native byte order.

    Raises
    ------
    InputError
        If the file cannot be read, is too large, holds anything but one such array,
        or its array claims another size than its bytes.
    """
    data = read_bytes(path, _FILE)
    with guarded(path, _FILE):
        return _run(data)


def _run(data: bytes) -> NDArray[Any]:
    machine = _Machine()
    for step, (opcode, argument, _) in enumerate(pickletools.genops(io.BytesIO(data))):
        if step > MAX_STEPS:
            raise _RefusedError(f"more than {MAX_STEPS} instructions")
        if opcode.name == "STOP":
            break
        _do(machine, opcode.name, argument)
    if len(machine.stack) != 1 or not isinstance(machine.stack[0], _Array):
        raise _RefusedError("it does not hold one array")
    return _build(machine.stack[0])


def _do(machine: _Machine, name: str, argument: Any) -> None:
    stack, memo = machine.stack, machine.memo
    if name in ("PROTO", "FRAME"):
        return
    if name in _VALUES:
        stack.append(bytes(argument) if isinstance(argument, bytearray) else argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name == "GLOBAL":
        module, _, attribute = argument.partition(" ")
        stack.append(_known(module, attribute))
    elif name == "STACK_GLOBAL":
        attribute, module = machine.pop(str), machine.pop(str)
        stack.append(_known(module, attribute))
    elif name == "MARK":
        stack.append(_Mark())
    elif name == "TUPLE":
        stack.append(machine.to_mark())
    elif name in _TUPLES:
        items = [machine.pop() for _ in range(_TUPLES[name])]
        if any(isinstance(item, _Mark) for item in items):
            raise _RefusedError("it is not the pickle of an array")
        stack.append(tuple(reversed(items)))
    elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
        value = machine.pop()
        stack.append(value)
        memo[len(memo) if name == "MEMOIZE" else argument] = value
    elif name in ("BINGET", "LONG_BINGET"):
        if argument not in memo:
            raise _RefusedError("it refers to a value that is not there")
        stack.append(memo[argument])
    elif name == "REDUCE":
        arguments = machine.pop(tuple)
        created = _make(machine.pop(_Name).key, arguments)
        machine.created_bytes += len(created) if isinstance(created, bytes) else 0
        if machine.created_bytes > MAX_BYTES_CREATED:
            raise _RefusedError(f"it makes more than {MAX_BYTES_CREATED} bytes")
        stack.append(created)
    elif name == "BUILD":
        state = machine.pop(tuple)
        _set_state(machine.pop((_Array, _Type)), state, machine)
    else:
        raise _RefusedError(f"the instruction {name} is not part of an array")


def _known(module: str, attribute: str) -> _Name:
    key = (module, attribute)
    if key not in _KNOWN:
        raise _RefusedError(f"it asks for {module}.{attribute}")
    return _Name(key)


def _make(key: tuple[str, str], arguments: tuple[Any, ...]) -> Any:
    """Return the inert value that stands for a call."""
    match arguments:
        case (str(text), "latin1") if key == _ENCODE:
            return text.encode("latin-1")
        case (_Name(key=named), (0,), b"b" | "b") if key in _RECONSTRUCT and named == _NDARRAY:
            return _Array()
        case (str(code), bool() | 0 | 1, bool() | 0 | 1) if key == _DTYPE:
            return _Type(code)
        case (bytes(body), _Type() as kind, tuple(shape), "C" | "F" as order) if (
            key in _FROM_BUFFER
        ):
            return _Array((1, shape, kind, order == "F", body))
    raise _RefusedError(f"it calls {'.'.join(key)} in an unknown way")


def _set_state(target: _Array | _Type, state: tuple[Any, ...], machine: _Machine) -> None:
    if isinstance(target, _Array):
        target.state = state
    else:
        match state:
            case (int(), "<" | ">" | "|" | "=" as order, None, None, None, int(), int(), int()):
                target.order = order
            case _:
                raise _RefusedError("its array is not of plain numbers")
    machine.stack.append(target)


def _build(array: _Array) -> NDArray[Any]:
    match array.state:
        case (1, tuple(shape), _Type() as kind, bool(fortran), bytes(body)):
            pass
        case _:
            raise _RefusedError("its array is incomplete")
    if kind.code not in _TYPES:
        raise _RefusedError(f"its array is of type {kind.code[:20]!r}")
    if len(shape) > 8 or not all(type(n) is int and n >= 0 for n in shape):
        raise _RefusedError("its array has no valid shape")
    dtype = np.dtype(kind.code).newbyteorder(_ORDERS[kind.order])
    if math.prod(shape) * dtype.itemsize != len(body):
        raise _RefusedError(f"its array of shape {shape} has {len(body)} bytes")
    flat = np.frombuffer(body, dtype)
    shaped = flat.reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(shaped.astype(dtype.newbyteorder("=")))
