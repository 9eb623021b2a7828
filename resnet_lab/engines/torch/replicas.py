"""The model that trains several replicas of a network at once, as one stacked network (network/replicas.py).

Each replica has its own weights, batches, losses and scores. The update rules of ELEMENTWISE change each weight by its
own gradient, so that one optimizer serves all replicas; all of them have the same learning rate at the same step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from ...base.errors import LabError
from ...network.graph import Graph
from ...network.replicas import replicate
from ...specs.optimizers import Optimizer
from .model import TorchModel

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch
    from ..contract import Array

ELEMENTWISE = frozenset({"sgd", "adam", "adamw", "rmsprop"})
"""The optimizers whose rule computes each element of a weight from this element alone; a test verifies each."""


class ReplicasModel(TorchModel):
    """Trains several replicas of a network as one network; the other methods are those of TorchModel.

    Where the contract speaks of the network, its arrays or its images, those of the stacked network are meant. A step
    counts the images of all replicas, and its loss is the mean of theirs. Random numbers of dropout and stochastic
    depth are drawn for each replica, from one generator: their distribution is that of single runs, their bits are not.

    Args:
        network: the network of one replica.
        count: the number of replicas.
        device: `cpu` or `gpu:N`.
        precision: as for TorchModel.
        mode: the compile mode, one of COMPILE_MODES.

    Raises:
        GraphError: a layer cannot be replicated.
        LabError: the precision is float16.
    """

    _gathers = False
    """The batches of several datasets are put together before a step."""

    def __init__(self, network: Graph, count: int, device: str, precision: str = "float32", mode: str = "off") -> None:
        if precision == "float16":
            raise LabError("float16 scales the loss of a whole network, and replicas in one network would share it")
        self.replicas = replicate(network, count)
        super().__init__(self.replicas.graph, device, precision, mode)

    def load_replicas(self, weights: Sequence[Mapping[str, Array]]) -> None:
        """Set the arrays of each replica, by the network's canonical names."""
        self.load(self.replicas.stack(weights))

    def replica_weights(self) -> list[dict[str, Array]]:
        """Copies of the arrays of each replica, by the network's canonical names, float32."""
        return self.replicas.unstack(self.weights())

    def prepare(self, optimizer: Optimizer, clip_norm: float | None = None, ema: float | None = None) -> None:
        """Begin training with an empty optimizer state.

        Raises:
            LabError: the update of one replica would depend on the others.
        """
        if clip_norm is not None:
            raise LabError("clip_norm limits the norm of a whole network, and replicas in one network would share it")
        if optimizer.name not in ELEMENTWISE:
            raise LabError(
                f"the optimizer '{optimizer.name}' cannot train several replicas in one network "
                f"(possible: {', '.join(sorted(ELEMENTWISE))})"
            )
        super().prepare(optimizer, ema=ema)

    def on_device(self, batches: Iterable[Iterable[Batch]]) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:  # type: ignore[override]
        """Convert the batches of each replica to tensors on the device.

        Args:
            batches: for each replica its own batches, such as an epoch of its own feed.

        Yields:
            Images (batch, count * C, H, W), and labels (batch, count) or shares (batch, count, classes).
        """
        own = [TorchModel.on_device(self, each) for each in batches]
        for parts in zip(*own, strict=True):
            yield torch.cat([images for images, _ in parts], 1), torch.stack([labels for _, labels in parts], 1)

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
        """Compute the mean loss of each replica: (count,)."""
        both = functional.cross_entropy(
            self._by_replica(logits).flatten(0, 1),
            labels.flatten(0, 1),
            label_smoothing=label_smoothing,
            reduction="none",
        )
        return both.view(len(labels), -1).mean(0)

    def _backward(self, loss: torch.Tensor, images: int) -> None:
        """Compute the gradients of the sum of all losses: each weight gets that of its own replica's loss."""
        super()._backward(loss.sum(), images)

    def _score(self, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor) -> torch.Tensor:
        """Stack each replica's loss, number of correctly classified images, and number of images: (count, 3)."""
        right = self._by_replica(logits).argmax(2) == (labels if labels.ndim == 2 else labels.argmax(2))
        return torch.stack([loss.detach(), right.sum(0).float(), loss.new_full(loss.shape, len(labels))], 1)

    def _by_replica(self, logits: torch.Tensor) -> torch.Tensor:
        """Divide logits (batch, count * classes, 1, 1) by replica: (batch, count, classes)."""
        return logits.reshape(len(logits), self.replicas.count, -1)
