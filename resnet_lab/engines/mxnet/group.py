"""The processes that train one model together on the CPU: MXNet's distributed kvstore, with its server and scheduler.

MXNet takes the address and the role of a process from variables of the environment that begin with DMLC.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import mxnet as mx

from ...base import child_process
from ..contract import Rank

if TYPE_CHECKING:
    from ..contract import Array


class Group:
    """Adds up what the processes have computed of one batch. Every process must call the same methods in order.

    The first process starts the scheduler, through which the processes find each other, and the server, which adds up.

    Args:
        rank: the place of this process.
    """

    def __init__(self, rank: Rank) -> None:
        self.rank = rank
        if rank.number == 0:
            self._helpers = [_start(role, rank) for role in ("scheduler", "server")]
        os.environ.update(environment("worker", rank))
        self._store = mx.kv.create("dist_sync")
        self._known: set[str] = set()
        self._score = mx.nd.zeros(2)

    def combine(self, gradients: Mapping[str, Any], loss: Any, right: Any) -> tuple[Any, Any]:
        """Replace each gradient by its sum over all processes, which MXNet computes while Python continues.

        Args:
            gradients: the arrays by canonical name.
            loss: the mean loss of the part of this process, times the part's share of the batch.
            right: the number of correctly classified images of the part.

        Returns:
            The mean loss of the whole batch, and its number of correctly classified images.
        """
        mx.nd.concat(loss.reshape(1), right.reshape(1), dim=0, out=self._score)
        self._add_up({**gradients, "score of a step": self._score})
        score = self._score.copy()
        return score[0], score[1]

    def average(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Compute the mean of each array over all processes; the server adds in float32."""
        sums = {f"mean of {name}": mx.nd.array(array, dtype="float32") for name, array in arrays.items()}
        self._add_up(sums)
        return {name: sums[f"mean of {name}"].asnumpy() / self.rank.count for name in arrays}

    def _add_up(self, arrays: Mapping[str, Any]) -> None:
        """Replace each array by its sum over all processes; the server knows an array by its name.

        Give the same array for a name in every step, or read the sum before the next step. MXNet lets the next push of
        a name wait for the last pull only where both use one array. Otherwise a slow process may push first, and then
        pull the sum of the next step.
        """
        for name, array in arrays.items():
            if name not in self._known:
                self._store.init(name, mx.nd.zeros_like(array))
                self._known.add(name)
        for name, array in arrays.items():
            self._store.push(name, array)
        for name, array in arrays.items():
            self._store.pull(name, out=array)


def environment(role: str, rank: Rank) -> dict[str, str]:
    """The variables that tell MXNet the role of a process, and where it finds the others.

    Args:
        role: `scheduler`, `server` or `worker`.
        rank: the place of the process that the variables are for, or of the process that starts it.
    """
    host, _, port = rank.address.rpartition(":")
    return {
        "DMLC_ROLE": role,
        "DMLC_NUM_WORKER": str(rank.count),
        "DMLC_NUM_SERVER": "1",
        "DMLC_PS_ROOT_URI": host,
        "DMLC_PS_ROOT_PORT": port,
        "DMLC_NODE_HOST": host,
    }


def _start(role: str, rank: Rank) -> Any:
    """Start the scheduler or the server; this process ends if that process ends first, or it would wait for ever."""
    process = child_process.start("resnet_lab.engines.mxnet.group_helper", role, environment(role, rank))

    def watch() -> None:
        status = process.wait()
        print(f"MXNet's {role} ended with exit status {status}", file=sys.stderr, flush=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return process
