"""Which recordings an evaluation enrols and which it tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import GaitRecording


@dataclass(frozen=True)
class Scope:
    """Which recordings are enrolled and which are tried; no label admits all.

    Parameters
    ----------
    enroll_condition, probe_condition, enroll_view, probe_view
        Labels as in the data.
    """

    enroll_condition: tuple[str, ...] = ()
    probe_condition: tuple[str, ...] = ()
    enroll_view: tuple[str, ...] = ()
    probe_view: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls,
        enroll_condition: str = "",
        probe_condition: str = "",
        enroll_view: str = "",
        probe_view: str = "",
    ) -> Self:
        """Read comma-separated labels, as the command line takes them."""
        texts = (enroll_condition, probe_condition, enroll_view, probe_view)
        return cls(*(tuple(x.strip() for x in text.split(",") if x.strip()) for text in texts))

    def enrolls(self, recording: GaitRecording) -> bool:
        """Whether a clip may be in a template."""
        return _admits(recording, self.enroll_condition, self.enroll_view)

    def probes(self, recording: GaitRecording) -> bool:
        """Whether a clip may be a probe."""
        return _admits(recording, self.probe_condition, self.probe_view)

    def parts(self) -> tuple[Self, ...]:
        """Return one scope per condition tried, so that each has figures of its own."""
        if len(self.probe_condition) < 2:
            return (self,)
        return tuple(replace(self, probe_condition=(one,)) for one in self.probe_condition)

    def check(self, recordings: Sequence[GaitRecording]) -> None:
        """Raise `InputError` if a label is nowhere in the data."""
        for what, wanted in (
            ("condition", (*self.enroll_condition, *self.probe_condition)),
            ("view", (*self.enroll_view, *self.probe_view)),
        ):
            there = {getattr(r, what) for r in recordings}
            for label in wanted:
                if label not in there:
                    raise InputError(
                        f"No recording has the {what} {label!r}.",
                        expected=f"one of {', '.join(repr(name) for name in sorted(there))}",
                    )

    def __str__(self) -> str:
        """Say it in words; empty for everything."""

        def side(condition: tuple[str, ...], view: tuple[str, ...]) -> str:
            return ", ".join("+".join(labels) for labels in (condition, view) if labels) or "any"

        enrolled = side(self.enroll_condition, self.enroll_view)
        tried = side(self.probe_condition, self.probe_view)
        return "" if enrolled == tried == "any" else f"{enrolled} → {tried}"


def _admits(recording: GaitRecording, conditions: tuple[str, ...], views: tuple[str, ...]) -> bool:
    return (not conditions or recording.condition in conditions) and (
        not views or recording.view in views
    )
