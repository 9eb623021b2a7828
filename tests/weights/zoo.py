"""Gluon-CV's residual classifiers: which there are, which are left out and why, and each with random weights.

`python -m tests.weights.zoo` compares them all and prints a table (results/zoo.csv).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.weights import files
from resnet_lab.weights.match import match
from tests.conftest import gluoncv

RESIDUAL = re.compile(r"(cifar_)?(se_)?(resne[xs]?t|wideresnet|residualattentionnet|senet_)\d+\w*(_v\d\w*)?(\.\d+)?")
LEFT_OUT = {
    r"(cifar_)?residualattentionnet\d+": "attention modules with an up-sampling branch, which the op set has not",
    r"senet_154e?": "a max pool that rounds up, half-width 1x1 and 3x3 projections: options that no other net shares",
    r".*_(kinetics400|sthsthv2|ucf101|hmdb51|custom)(_int8)?": "for video, not for pictures",
    r"resnest\d+": "split attention needs a softmax over slices of channels, which the op set has not",
    r".*_gn": "MXNet's group norm has one scale a group; ours, and everyone else's, one a channel",
    r".*_v1[bd]_0\.\d+": "pruned: every layer has a width of its own",
    r".*_int8": "quantised",
}


def classifiers() -> dict[str, str]:
    """Every residual classifier of Gluon-CV's model list; the reason for those that are left out, '' for the others."""
    gluoncv()
    from gluoncv.model_zoo.model_zoo import _models

    return {
        name: next((reason for pattern, reason in LEFT_OUT.items() if re.fullmatch(pattern, name)), "")
        for name in _models
        if RESIDUAL.fullmatch(name)
    }


def size(name: str) -> int:
    """Height and width of the pictures that a net is compared on."""
    return 32 if name.startswith("cifar") else 64


def theirs(name: str, seed: int = 0, **settings: Any) -> Any:
    """Gluon-CV's net with random weights and statistics, so small that no activation runs away."""
    gluoncv()
    import mxnet as mx
    from gluoncv.model_zoo.model_zoo import _models

    net = _models[name](pretrained=False, **settings)
    net.initialize()
    net(mx.nd.zeros((1, 3, size(name), size(name))))
    generator = np.random.default_rng(seed)
    for key, parameter in net._collect_params_with_prefix().items():
        if parameter.grad_req == "null" and not key.endswith(("running_mean", "running_var")):
            continue  # a scale or center that the net does not use
        if key.endswith("gamma"):
            values = generator.random(parameter.shape, np.float32) / 2 + 0.25
        elif key.endswith("running_var"):
            values = generator.random(parameter.shape, np.float32) + 0.5
        else:
            values = generator.standard_normal(parameter.shape, np.float32)
            values *= np.float32((2 / np.prod(parameter.shape[1:])) ** 0.5 if key.endswith("weight") else 0.1)
        parameter.set_data(mx.nd.array(values))
    return net


def compare(name: str, folder: Path) -> dict[str, Any]:
    """Weights from Gluon-CV's net by way of a file into ours; what both say of four pictures."""
    net = theirs(name)
    import mxnet as mx

    file = folder / f"{name}.params"
    net.save_parameters(str(file))
    graph = rl.graph(name, input=(3, size(name), size(name)))
    found = match(graph, files.read(file).arrays)
    model = engines.get("mxnet").build(graph, "cpu")
    model.load(found.arrays)
    images = np.random.default_rng(1).standard_normal((4, 3, size(name), size(name)), np.float32)
    wanted, got = net(mx.nd.array(images)).asnumpy(), model.predict(images)
    trained = sum(p.data().size for p in net.collect_params().values() if p.grad_req != "null")
    return {
        "variant": name,
        "params": graph.params,
        "params_gluoncv": trained,
        "largest_difference": float(np.abs(got - wanted).max() / np.abs(wanted).max()),
        "file": file,
        "arrays": found.arrays,
        "graph": graph,
    }


if __name__ == "__main__":
    import tempfile

    print("variant,params,params_gluoncv,largest_difference,left_out")
    for name, reason in classifiers().items():
        if reason:
            print(f'{name},,,,"{reason}"')
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = compare(name, Path(folder))
        print(f"{name},{row['params']},{row['params_gluoncv']},{row['largest_difference']:.1e},")
        sys.stdout.flush()
