"""Where training and evaluation walks come from: one reader per format."""

from gaitproof.data.gait.asf_amc import load_amc
from gaitproof.data.gait.bvh import load_bvh
from gaitproof.data.gait.casia_csv import load_casia_csv
from gaitproof.data.gait.load import load_recordings
from gaitproof.data.gait.manifest import load_manifest
from gaitproof.data.gait.opengait import load_opengait
from gaitproof.data.gait.recording import POSES_FOLDER, Recording
from gaitproof.data.gait.skeletons import load_skeletons

__all__ = [
    "POSES_FOLDER",
    "Recording",
    "load_amc",
    "load_bvh",
    "load_casia_csv",
    "load_manifest",
    "load_opengait",
    "load_recordings",
    "load_skeletons",
]
