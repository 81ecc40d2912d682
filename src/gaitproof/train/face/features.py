"""Features of frozen encoders, computed once per clip and kept beside the store.

An encoder that does not learn says the same of the same crop every time. So every clip is cut in a
few ways ahead instead of anew for every batch, and what the encoder says of these crops is kept:
from then on an epoch costs only what learns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor, nn

import gaitproof
from gaitproof.data.face.clips import Label
from gaitproof.errors import ConfigError, InputError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.nets.face.base import FORGED, GENUINE, FaceNetwork
from gaitproof.nets.face.encoded import EncodedNetwork
from gaitproof.reading import FileKind, guarded, read_tensors
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.sampler import ClipSampler, CodeBatch, FaceSampler, Source
from gaitproof.train.stream import Stream, torch_seed

FEATURE_FOLDER: Final = "features"
"""In the folder of a store."""

_FORGED: Final = "forged"
_GENUINE: Final = "genuine"
_BATCH: Final = 64
_FILE: Final = FileKind("file of features", InputError, 2**28)

Codes = NDArray[np.float32]


class Features(NamedTuple):
    """What an encoder says of a clip cut in one way.

    Parameters
    ----------
    forged, genuine
        Shape (T, D); the same array where the clip has no twin.
    """

    forged: Codes
    genuine: Codes


class FeatureCache:
    """Computes features, and finds those that were computed before.

    One file per clip and way of cutting, written whole or not at all: what a killed run has
    computed is there for the next one, and for other networks with the same encoder.

    Parameters
    ----------
    network
        Whose encoder is used.
    sampler
        Cuts the clips.
    device
        Where the encoder computes.

    Raises
    ------
    ConfigError
        If the network's encoder learns.
    """

    def __init__(self, network: FaceNetwork, sampler: FaceSampler, device: str = "cpu") -> None:
        settings = sampler.settings
        if not (isinstance(network, EncodedNetwork) and network.is_frozen):
            raise ConfigError(
                f"The features of {settings.architecture!r} cannot be kept.",
                expected="a network with an encoder that does not learn",
                hint="leave out views",
            )
        self._network, self._sampler, self._device = network, sampler, device
        self._name = _digest(network.encoder, settings)

    def path(self, source: Source, view: int) -> Path:
        """Return where the features of a clip's view are kept."""
        store, stored = source
        name = f"{stored.id}-{stored.sha256[:16]}-{view:03d}.safetensors"
        return store.folder / FEATURE_FOLDER / self._name / name

    def read(self, source: Source, view: int) -> Features:
        """Return the features of a clip, computed now unless they are there.

        Raises
        ------
        InputError
            If the clip cannot be read, or nothing can be written beside its store.
        """
        path = self.path(source, view)
        try:
            arrays, _ = read_tensors(path, _FILE)
            with guarded(path, _FILE):
                return Features(arrays.get(_FORGED, arrays[_GENUINE]), arrays[_GENUINE])
        except InputError:
            features = self._compute(source, view)
        make_folder(path.parent)
        tensors = {_GENUINE: features.genuine}
        if features.forged is not features.genuine:
            tensors[_FORGED] = features.forged
        write_atomically(path, save(tensors))
        return features

    def _compute(self, source: Source, view: int) -> Features:
        stored = source[1]
        places = range(stored.images)
        seed = torch_seed(self._sampler.settings.seed, view, int(stored.id[:8], 16), Stream.WINDOWS)
        if stored.clip.label is Label.FAKE:
            codes = self._encode([c.image for c in self._sampler.cut_forged(source, places, seed)])
            return Features(codes, codes)
        pairs = self._sampler.cut_genuine(source, places, seed)
        genuine = self._encode([pair[GENUINE].image for pair in pairs])
        if all(pair[FORGED] is pair[GENUINE] for pair in pairs):
            return Features(genuine, genuine)
        return Features(self._encode([pair[FORGED].image for pair in pairs]), genuine)

    def _encode(self, images: Sequence[NDArray[np.uint8]]) -> Codes:
        encoder = self._network.encoder.to(self._device)
        # also where a lost file is made again in the middle of a training
        training = encoder.training
        encoder.eval()
        crops = self._network.normalise(torch.from_numpy(np.stack(images)))
        with torch.inference_mode():
            codes = [
                self._network.encode(part.to(self._device)) for part in torch.split(crops, _BATCH)
            ]
        encoder.train(training)
        return torch.cat(codes).float().cpu().numpy()


class FeatureSampler(ClipSampler[Codes]):
    """Draws clips as features that were computed ahead.

    Parameters
    ----------
    sampler
        Draws the same clips as crops.
    cache
        Where their features are.
    views
        Ways in which every clip is cut.
    """

    def __init__(self, sampler: FaceSampler, cache: FeatureCache, views: int) -> None:
        self.genuine, self.forged = sampler.genuine, sampler.forged
        self.settings = sampler.settings
        self._cache, self._views = cache, views

    def compute(self) -> int:
        """Compute what is not there yet, and return the number of clips times views."""
        sources = self.genuine + (self.forged if self.settings.forgeries != "self-blended" else [])
        for source in sources:
            for view in range(self._views):
                self._cache.read(source, view)
        return len(sources) * self._views

    def cut_genuine(
        self, source: Source, places: Sequence[int], seed: int
    ) -> list[tuple[Codes, Codes]]:
        """Return codes (D,), each with that of its forged twin before it."""
        features = self._cache.read(source, seed % self._views)
        return [(features.forged[place], features.genuine[place]) for place in places]

    def cut_forged(self, source: Source, places: Sequence[int], seed: int) -> list[Codes]:
        """Return codes (D,) of a forged clip."""
        features = self._cache.read(source, seed % self._views)
        return [features.forged[place] for place in places]

    def collate(self, clips: Sequence[tuple[list[Codes], int]]) -> CodeBatch:
        """Return a batch."""
        width = len(clips[0][0][0])
        codes = np.zeros((len(clips), self.settings.frames, width), np.float32)
        present = np.zeros(codes.shape[:2], np.bool_)
        for row, (images, _) in enumerate(clips):
            codes[row, : len(images)] = images
            present[row, : len(images)] = True
        labels: NDArray[np.int64] = np.array([label for _, label in clips], np.int64)
        return CodeBatch(*(torch.from_numpy(array) for array in (codes, present, labels)))


def keep_features(
    sampler: FaceSampler, network: FaceNetwork, views: int, device: str = "cpu"
) -> FeatureSampler:
    """Compute the features of all clips of a sampler, and return what draws from them.

    Parameters
    ----------
    sampler
        Draws the clips as crops.
    network
        With the encoder, which comes back on the CPU.
    views
        Ways in which every clip is cut.
    device
        Where the encoder computes.

    Raises
    ------
    ConfigError
        If the network's encoder learns.
    InputError
        If a clip cannot be read, or nothing can be written beside its store.
    """
    kept = FeatureSampler(sampler, FeatureCache(network, sampler, device), views)
    kept.compute()
    network.cpu()
    return kept


def _digest(encoder: nn.Module, settings: FaceTrainSettings) -> str:
    """Return 16 hexadecimal digits of all that features depend on but for the clip and its view."""
    digest = hashlib.sha256()
    recipe = settings.model_dump(
        mode="json", include={"alignment", "damaged", "forgeries", "seed", "turn"}
    )
    digest.update(json.dumps([gaitproof.__version__, recipe], sort_keys=True).encode())
    tensors: dict[str, Tensor] = encoder.state_dict()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
