"""Frozen, validated settings; an unknown key is an error.

Read from YAML with `load_settings`; every default is documented at its field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gaitproof.errors import ConfigError
from gaitproof.reading import FileKind, read_yaml, shown

SETTINGS_FILE: Final = FileKind("YAML settings file", ConfigError, 2**18)


class Settings(BaseModel):
    """Base of every settings group: immutable, unknown keys rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the settings from a YAML file.

        Raises
        ------
        ConfigError
            If the file cannot be read, is not YAML, or holds an unknown or invalid setting.
        """
        data = read_yaml(path, SETTINGS_FILE)
        try:
            return cls.model_validate(data if data is not None else {})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ConfigError(
                f"The settings file {str(path)!r} is not valid at '{where}'.",
                actual=f"{first['msg']} ({shown(first['input'])})",
                hint=f"known settings here: {', '.join(cls.model_fields)}",
            ) from error


class MediaLimits(Settings):
    """Bounds on what is decoded, against hostile or mistaken input."""

    max_bytes: int = Field(default=20 * 2**30, gt=0)
    """Largest file, bytes."""
    max_duration: float = Field(default=4 * 3600.0, gt=0)
    """Longest clip, seconds."""
    max_sound: float = Field(default=1800.0, gt=0, le=4 * 3600)
    """Seconds of a video's sound that are read, from its start."""
    max_pixels: int = Field(default=7680 * 4320, gt=0)
    """Largest frame, pixels."""
    min_side: int = Field(default=48, gt=0)
    """Smallest frame side, pixels: below it no pose can be estimated."""
    max_memory: int = Field(default=2 * 2**30, ge=256 * 2**20)
    """Memory of a process that decodes, bytes."""
    patience: float = Field(default=20.0, gt=0)
    """Seconds without progress after which a process that decodes is stopped."""
    sandbox: bool = True
    """Whether videos are decoded in a process of its own that can neither open files nor reach the
    network; see docs/reference/security.md. False is for trusted videos, or for finding faults."""


class PoseSettings(Settings):
    """How landmarks are estimated."""

    backend: Literal["mediapipe", "tasks"] = "mediapipe"
    """``mediapipe``: BlazePose, model inside the package. ``tasks``: Tasks API, whose landmarks
    are neither smoothed nor comparable with BlazePose's."""
    people: Literal["auto", "one", "several"] = "auto"
    """``one``: BlazePose follows the most prominent person and sees nobody else. ``several``:
    everybody is looked for first, then each is followed. ``auto``: several where a look at the
    clip once a second finds more than one."""
    complexity: int = Field(default=1, ge=0, le=2)
    """BlazePose model; only 1 needs no download."""
    task_file: Path | None = None
    """Model of the ``tasks`` backend; None for the one inside the package."""
    max_people: int = Field(default=4, ge=1, le=16)
    """People looked for at a time."""
    min_detection_confidence: float = Field(default=0.5, ge=0, le=1)
    min_tracking_confidence: float = Field(default=0.5, ge=0, le=1)
    workers: int = Field(default=0, ge=0, le=64)
    """Threads that share one clip; 0 chooses by processors and length."""
    enough_rate: float | None = Field(default=None, ge=15)
    """Frames per second that are enough: of a faster clip every second, third or further frame is
    estimated, as long as this many are left. None estimates every frame: although features are of
    30 Hz, joints tell people apart a little worse by fewer."""
    first_pass: float | None = Field(default=120.0, ge=10)
    """Seconds from which on a video is looked through first, an image every 0.8 s, and passed over
    where nobody is seen who moves; None examines every frame of every video."""
    budget: float | None = Field(default=None, ge=4)
    """Seconds of usable walking of one person after which no more of a video is examined; None
    examines it to its end."""
    overlap: float = Field(default=1.0, ge=0)
    """Seconds a parallel segment starts early to warm the tracker up."""
    silhouettes: bool = True
    """Whether the person's mask is kept beside the landmarks, which it leaves as they are."""


class CleaningSettings(Settings):
    """How a raw track is repaired."""

    max_gap: float = Field(default=0.2, ge=0)
    """Seconds: shorter gaps are interpolated, longer ones split the track."""
    min_visibility: float = Field(default=0.2, ge=0, le=1)
    """Landmarks seen worse than this count as missing."""
    smoothing_cutoff: float = Field(default=6.0, gt=0)
    """Hz: low-pass of the landmark paths (Winter 2009: walking lies below 6 Hz)."""


class QualityGate(Settings):
    """What a clip must offer before it is scored; outside it the answer is INCONCLUSIVE."""

    min_frame_rate: float = Field(default=15.0, gt=0)
    """Frames per second."""
    min_person_height: float = Field(default=120.0, ge=0)
    """Median height of the person in pixels, nose to heel; smaller people were not part of the
    evaluation that set the threshold."""
    min_visible_share: float = Field(default=0.8, ge=0, le=1)
    """Share of a window's frames with the lower body seen."""
    min_windows: int = Field(default=1, ge=1)
    """Usable 2-second windows per clip."""
    min_gait_cycles: float = Field(default=1.0, ge=0)
    """Gait cycles (strides) per clip."""
    max_camera_motion: float = Field(default=0.25, ge=0)
    """Frame widths per second of background motion."""
    min_template_windows: int = Field(default=2, ge=1)
    """Usable windows in a template."""


class SilhouetteGate(Settings):
    """What a person's masks must offer; frames outside it are left out."""

    min_height: float = Field(default=80.0, ge=1)
    """Pixels from the first to the last row of a mask."""
    max_cut: float = Field(default=0.05, ge=0, le=1)
    """Pixels of a mask that touch the frame's edge, per pixel of its height."""
    max_torn: float = Field(default=0.2, ge=0, le=1)
    """Share of the segmented area that hangs together with nothing."""
    max_holes: float = Field(default=0.1, ge=0, le=1)
    """Share of the filled mask's area that is holes."""
    max_jump: float = Field(default=0.35, ge=0)
    """Difference of the logarithm of a mask's area from its neighbours'."""
    min_seconds: float = Field(default=1.0, ge=0)
    """Seconds covered by frames that can be used: about one stride."""


class VerifySettings(Settings):
    """Everything `gaitproof verify` can be told, as one YAML file.

    Examples
    --------
    >>> import gaitproof as gp
    >>> gp.VerifySettings().quality.min_frame_rate
    15.0
    """

    media: MediaLimits = MediaLimits()
    pose: PoseSettings = PoseSettings()
    cleaning: CleaningSettings = CleaningSettings()
    quality: QualityGate = QualityGate()
    silhouettes: SilhouetteGate = SilhouetteGate()
