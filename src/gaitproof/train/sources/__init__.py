"""Where training and evaluation walks come from: one reader per format."""

from gaitproof.train.sources.asf_amc import load_amc
from gaitproof.train.sources.bvh import load_bvh
from gaitproof.train.sources.casia_csv import load_casia_csv
from gaitproof.train.sources.load import load_recordings
from gaitproof.train.sources.manifest import load_manifest
from gaitproof.train.sources.opengait import load_opengait
from gaitproof.train.sources.recording import POSES_FOLDER, Recording
from gaitproof.train.sources.skeletons import load_skeletons

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
