"""Prints as JSON which device a word means here, and the CUDA and cuDNN of PyTorch; or the problem.

It runs in a process of its own: a process that has looked at a GPU keeps memory there.
"""

from __future__ import annotations

import json
import sys

from resnet_lab import engines
from resnet_lab.base.errors import LabError


def look(wanted: str) -> dict[str, str]:
    """The device, the reason for the choice and the versions; or a `problem`."""
    engine = engines.get("torch")
    problem = engine.problem()
    if problem:
        return {"problem": problem}
    try:
        device, why = engine.device(wanted)
    except LabError as error:
        return {"problem": error.message}
    import torch

    return {
        "device": device,
        "why": why,
        "cuda": str(torch.version.cuda or ""),
        "cudnn": str(torch.backends.cudnn.version() or ""),
    }


if __name__ == "__main__":
    print(json.dumps(look(sys.argv[1])))
