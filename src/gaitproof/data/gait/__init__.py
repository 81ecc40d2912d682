"""Where training and evaluation walks come from: one reader per format."""

from gaitproof.data.gait.load import load_recordings
from gaitproof.data.gait.recording import Recording

__all__ = ["Recording", "load_recordings"]
