"""Network and losses of a training on faces."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import FORGED, GENUINE, FaceNetwork, ImageNetwork, Studied
from gaitproof.nets.face.encoded import EncodedNetwork
from gaitproof.nets.face.registry import FACE_NETWORKS
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.sampler import CodeBatch, FaceBatch
from gaitproof.train.learner import Learner, RunState
from gaitproof.train.losses import DomainHead, domain_losses


class FaceLearner(Learner):
    """Learns to tell forged from genuine faces by cross-entropy, and where the forgery lies.

    Parameters
    ----------
    network
        What is trained.
    settings
        The recipe.
    steps
        Of the whole run.
    state
        Where the run stands.
    """

    loss_names = (
        "classes",
        "blend",
        "discrepancy",
        "adversary",
        *sorted({aim for network in FACE_NETWORKS.values() for aim in network.aims}),
    )
    measure_names = ("validation_accuracy", "validation_f1_forged", "validation_f1_genuine")
    network: FaceNetwork
    weights: Tensor

    def __init__(
        self, network: FaceNetwork, settings: FaceTrainSettings, steps: int, state: RunState
    ) -> None:
        super().__init__(network, settings, steps, state)
        self._settings = settings
        weights = torch.ones(2)
        # both classes count the same, however often they are shown
        weights[FORGED] = 0.5 / settings.forged_share
        weights[GENUINE] = 0.5 / (1 - settings.forged_share)
        self.register_buffer("weights", weights, persistent=False)
        self._counts = torch.zeros(2, 2)
        self.heads = nn.ModuleDict()
        if settings.adapt.adversary:
            self.heads["domain"] = DomainHead(self._vector_size())

    def _vector_size(self) -> int:
        assert isinstance(self.network, ImageNetwork)
        side = self._settings.alignment.size
        with torch.no_grad():
            return self.network.eval().features(torch.zeros(1, 3, side, side)).shape[1]

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what is learnt, apart what a published backbone has not learnt before."""
        settings, fresh = self._settings, set(self.network.fresh)
        if not fresh or settings.head_rate == 1:
            return super().parameter_groups()
        begins = tuple(f"{part}." for part in fresh)
        named = [(name.startswith(begins), one) for name, one in self.network.named_parameters()]
        known, new = (
            [one for is_fresh, one in named if is_fresh == kind and one.requires_grad]
            for kind in (False, True)
        )
        new += self.heads.parameters()
        return [
            {"params": known},
            {"params": new, "lr": settings.learning_rate * settings.head_rate},
        ]

    def decay_steps(self) -> int:
        """Return the steps between two decays: of so many epochs, if the recipe says so."""
        settings = self._settings
        if settings.decay_epochs is None:
            return super().decay_steps()
        return settings.decay_epochs * (self.steps // settings.epochs)

    def take_measures(self) -> dict[str, float]:
        """Return accuracy, and F1 of either class, of what was validated on."""
        counts, self._counts = self._counts.double(), torch.zeros(2, 2)
        right = counts.diagonal()
        f1 = 2 * right / (counts.sum(dim=0) + counts.sum(dim=1)).clamp(min=1)
        shares = (right.sum() / counts.sum().clamp(min=1), f1[FORGED], f1[GENUINE])
        return dict(zip(self.measure_names, map(float, shares), strict=True))

    def losses_of(self, batch: FaceBatch | CodeBatch) -> dict[str, Tensor]:
        """Return cross-entropy, and the loss of the blended places if the network learns them."""
        if isinstance(batch, CodeBatch):
            assert isinstance(self.network, EncodedNetwork)
            logits, _ = self.network.attend_codes(batch.codes, batch.present)
            return {"classes": self._classes(logits, batch.labels)}
        if not isinstance(self.network, ImageNetwork):
            against = self._against(batch.crops, batch.labels, batch.present)
            logits = self.network(self.network.normalise(against), batch.present)
            return {"classes": self._classes(logits, batch.labels)}
        labels = batch.labels[:, None].expand(batch.present.shape)[batch.present]
        crops = self.network.normalise(self._against(batch.crops[batch.present], labels))
        # weights are chosen by what counts at inference
        parts: dict[str, Tensor] = {}
        studied: Studied | None = None
        if self.training and len(batch.target):
            studied, parts = self._compare(crops, self.network.normalise(batch.target))
        elif self.training:
            studied = self.network.study(crops, labels)
        looked = self.network.look(crops) if studied is None else studied.looked
        parts["classes"] = self._classes(looked.logits, labels)
        if studied is not None:
            parts |= studied.losses
            if studied.degraded is not None:
                parts["degraded"] = self._classes(studied.degraded, labels)
        if looked.blend is not None and self._settings.blend_loss:
            loss = blend_loss(looked.blend.float(), batch.blend[batch.present])
            parts["blend"] = self._settings.blend_loss * loss
        return parts

    def _compare(self, crops: Tensor, target: Tensor) -> tuple[Studied, dict[str, Tensor]]:
        """Look at crops, and say how far their vectors lie from those of other footage."""
        assert isinstance(self.network, ImageNetwork)
        # together, so that batch norm sees both
        maps = self.network.features(torch.cat([crops, target]))
        with torch.autocast(maps.device.type, enabled=False):
            both = nn.functional.normalize(maps.float().mean(dim=(2, 3)), dim=1)
            own, others = torch.split(both, [len(crops), len(target)])
            done = self.run.step / self.steps
            parts = domain_losses(own, others, self._settings.adapt, self.heads, done)
        return Studied(self.network.read(maps[: len(crops)])), parts

    def _against(self, crops: Tensor, labels: Tensor, present: Tensor | None = None) -> Tensor:
        """Return crops changed against the network, where the recipe asks for it."""
        settings = self._settings
        if not (self.training and settings.adversarial):
            return crops
        return perturb(
            self.network,
            crops,
            labels,
            present,
            radius=settings.adversarial,
            steps=settings.adversarial_steps,
        )

    def before_step(self) -> None:
        """Take the gradients of what rests in this step."""
        for parameter in self.network.resting(self.run.step):
            parameter.grad = None

    def _classes(self, logits: Tensor, labels: Tensor) -> Tensor:
        if not self.training:
            places = (2 * labels + logits.argmax(dim=1)).cpu()
            self._counts += torch.bincount(places, minlength=4).reshape(2, 2)
        return nn.functional.cross_entropy(
            logits.float(),
            labels,
            weight=self.weights,
            label_smoothing=self._settings.label_smoothing,
        )


def blend_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Return the binary cross-entropy of blended places; images with unknown ones do not count.

    Parameters
    ----------
    logits
        Shape (N, h, w).
    shares
        Shape (N, H, W), 0 to 1, or NaN; averaged to h by w.
    """
    height, width = logits.shape[1:]
    fitted = nn.functional.adaptive_avg_pool2d(shares[:, None], (height, width))[:, 0]
    known = ~fitted.isnan().any(dim=(1, 2))
    if not known.any():
        return logits.sum() * 0
    return nn.functional.binary_cross_entropy_with_logits(logits[known], fitted[known])


def perturb(
    network: FaceNetwork,
    crops: Tensor,
    labels: Tensor,
    present: Tensor | None = None,
    *,
    radius: float,
    steps: int,
    random_start: bool = True,
) -> Tensor:
    """Change crops so that the cross-entropy of their true labels rises.

    One step without a random start is the fast gradient sign method (Goodfellow et al., ICLR 2015),
    one with it what Wong et al. (ICLR 2020) train with, several are projected gradient descent
    (Madry et al., ICLR 2018). The network's weights get no gradient.

    Parameters
    ----------
    network
        In whatever mode it is.
    crops
        Shape (N, S, S, 3), or (N, T, S, S, 3) for a network of clips; uint8.
    labels
        Shape (N,).
    present
        As `gaitproof.nets.face.base.ClipNetwork` takes it.
    radius
        Most by which a colour may change, grey levels of 255.
    steps
        How often the gradient is followed.
    random_start
        Whether the first step begins anywhere within the bound.

    Returns
    -------
    Tensor
        uint8, same shape.
    """
    own = crops.float()
    pace = 2.5 * radius / steps if steps > 1 else radius * (1.25 if random_start else 1.0)
    changed = own
    if random_start:
        changed = (own + radius * (2 * torch.rand_like(own) - 1)).clamp(0, 255)
    for _ in range(steps):
        changed = changed.detach().requires_grad_()
        with torch.enable_grad():
            seen = network.normalise(changed)
            logits = network(seen) if present is None else network(seen, present)
            loss = nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, changed)
        moved = changed + pace * gradient.sign()
        changed = torch.maximum(torch.minimum(moved, own + radius), own - radius).clamp(0, 255)
    return changed.detach().round().to(torch.uint8)
