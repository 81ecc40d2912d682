"""What comes from a file stays clipped and printable in messages."""

import pytest

from gaitproof.errors import InputError, PoseError
from gaitproof.reading import FileKind, describe, guarded, shown
from gaitproof.text import one_line

KIND = FileKind("pose file", PoseError, expected="poses", hint="extract again")


def _nested():
    deep: list[object] = []
    for _ in range(60):
        deep = [deep, deep, deep]
    return deep


@pytest.mark.parametrize(
    "value",
    [_nested(), 10**5000, "x" * 10**7, "\x1b[31m\u202e", {"a": "\udc80"}, b"\0" * 10**6],
    ids=["nested", "digits", "text", "escapes", "surrogate", "bytes"],
)
def test_any_value_is_shown_short_and_printable(value):
    text = shown(value)
    assert 0 < len(text) <= 80
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\n b\t\tc", "a b c"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("left\u202eright", "left\\u202eright"),
        ("caf\udce9", "caf\\udce9"),
        ("café “quoted”", "café “quoted”"),
    ],
)
def test_printable(text, plain):
    assert one_line(text) == plain


def test_errors_are_printable_in_every_part():
    error = InputError("\x1b[2J", expected="a\nb", actual="\x07" * 10**6, hint="\x9b1m")
    assert str(error).isprintable()
    assert len(str(error)) < 5000


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (KeyError("meta"), "no 'meta'"),
        (RecursionError("maximum recursion depth exceeded"), "too deeply nested"),
        (MemoryError(), "more than fits into memory"),
        (NotImplementedError(), "NotImplementedError"),
        (OSError(5, "Input/output error", "x"), "Input/output error"),
        (NameError("name 'x' is not defined"), "name 'x' is not defined"),
    ],
)
def test_whatever_a_parser_meets_becomes_the_error_of_the_kind(problem, words):
    assert describe(problem) == words
    with (
        pytest.raises(PoseError, match="'f' is not a valid pose") as caught,
        guarded("f", KIND),
    ):
        raise problem
    assert caught.value.__cause__ is problem
    assert (caught.value.expected, caught.value.hint) == ("poses", "extract again")


@pytest.mark.parametrize("problem", [InputError("as it is"), KeyboardInterrupt(), SystemExit()])
def test_own_errors_and_interrupts_pass(problem):
    with pytest.raises(type(problem)) as caught, guarded("f", KIND):
        raise problem
    assert caught.value is problem
