"""The networks that a calibration measures: small, and chosen so that they cover the layers of residual networks.

Each network is a stem, a few equal layers of one shape, and a head. Five more are small residual networks, by which the
times of layers in a long network enter. None is a published variant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ..blocks.basic import basic
from ..blocks.bottleneck import bottleneck
from ..blocks.preactivation import preact_basic, preact_bottleneck
from ..blocks.shortcuts import Kind, Shortcut
from ..blocks.squeeze_excite import squeeze_excite
from ..network.graph import Graph
from ..network.tensor import Builder, Tensor
from ..ops import (
    avg_pool,
    conv,
    dense,
    dropout,
    gelu,
    global_avg_pool,
    hard_swish,
    max_pool,
    norm,
    prelu,
    relu,
    sigmoid,
    silu,
)

Layers = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Sample:
    """A network that is measured: its name, its graph and the number of images in a batch."""

    name: str
    graph: Graph
    batch: int


def _network(size: int, layers: Layers, classes: int = 10) -> Graph:
    """A network on RGB images of size x size pixels, with a dense layer at the end."""
    x = layers(Builder().input((3, size, size)))
    builder = x.builder
    return builder.finish(dense(global_avg_pool(x), classes))


def _convolved(x: Tensor, channels: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Tensor:
    return relu(norm(conv(x, channels, kernel, stride, groups=groups)))


SQUARE = [
    *[(16, 64, 4), (16, 32, 16), (16, 32, 64), (32, 32, 16), (32, 16, 16), (32, 16, 64), (64, 32, 16), (64, 16, 16)],
    *[(64, 8, 16), (64, 8, 64), (128, 16, 16), (128, 8, 16), (128, 4, 16), (256, 8, 16), (256, 4, 16), (256, 2, 16)],
    *[(512, 7, 4), (512, 4, 16), (512, 2, 16), (160, 16, 16), (320, 8, 16), (640, 8, 4)],
]
"""3x3 convolutions with stride 1: channels, size of the map, images in a batch."""

PAIRS = [
    *[(16, 64, 32, 16), (64, 256, 32, 4), (64, 256, 16, 16), (128, 512, 16, 8), (128, 512, 8, 16)],
    *[(256, 1024, 8, 8), (256, 1024, 4, 16), (512, 2048, 4, 8), (512, 2048, 2, 16), (64, 64, 16, 16)],
    *[(32, 128, 16, 64), (16, 64, 8, 64)],
]
"""1x1 convolutions to more channels and back: channels, more channels, size, images in a batch."""

HALVING = [
    *[(16, 32, 32, 64), (64, 128, 16, 16), (64, 128, 32, 8), (128, 256, 8, 16), (256, 512, 4, 16)],
    *[(256, 512, 16, 8), (512, 1024, 8, 8), (32, 64, 16, 64)],
]
"""A 3x3 and a 1x1 convolution with stride 2, whose results are added: channels in and out, size, images."""

GROUPED = [
    *[(128, 32, 16, 16), (256, 32, 8, 16), (512, 32, 4, 16), (1024, 32, 2, 16), (256, 64, 16, 8), (512, 64, 8, 8)],
    *[(1024, 64, 4, 8), (128, 32, 32, 8), (64, 64, 32, 8), (256, 256, 8, 16), (512, 16, 8, 8)],
]
"""Grouped 3x3 convolutions: channels, groups, size, images in a batch."""

STEMS = [(64, 7, 2, 64, 16), (64, 7, 2, 128, 4), (64, 3, 2, 64, 16), (32, 3, 2, 128, 4), (16, 3, 1, 32, 64)]
"""The first convolution: channels, kernel, stride, size of the image, images in a batch."""


def samples() -> list[Sample]:
    """All networks that are measured, in the order in which they are measured."""
    return [*_convolutions(), *_stems(), *_others(), *_whole()]


def digest() -> str:
    """12 hex digits over the measured networks; a calibration by other networks cannot be used."""
    content = [(sample.name, sample.graph.digest, sample.batch) for sample in samples()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _repeated(channels: int, size: int, layers: Layers, times: int, classes: int = 10) -> Graph:
    """A network of equal layers behind a narrow stem that gives them their channels."""

    def body(x: Tensor) -> Tensor:
        x = _convolved(x, channels, 1)
        for _ in range(times):
            x = layers(x)
        return x

    return _network(size, body, classes)


def _convolutions() -> Iterator[Sample]:
    for channels, size, batch in SQUARE:
        graph = _repeated(channels, size, partial(_convolved, channels=channels), 3)
        yield Sample(f"3x3 {channels} at {size}, batch {batch}", graph, batch)
    for few, many, size, batch in PAIRS:
        graph = _repeated(few, size, partial(_there_and_back, few=few, many=many), 3)
        yield Sample(f"1x1 {few} {many} at {size}, batch {batch}", graph, batch)
    for inside, out, size, batch in HALVING:
        graph = _repeated(inside, size, partial(_halved, channels=out), 1)
        yield Sample(f"stride 2, {inside} {out} at {size}", graph, batch)
    for channels, groups, size, batch in GROUPED:
        graph = _repeated(channels, size, partial(_convolved, channels=channels, groups=groups), 2)
        yield Sample(f"3x3 {channels} groups {groups} at {size}", graph, batch)


def _there_and_back(x: Tensor, few: int, many: int) -> Tensor:
    return _convolved(_convolved(x, many, 1), few, 1)


def _halved(x: Tensor, channels: int) -> Tensor:
    return relu(norm(conv(x, channels, 3, 2)) + norm(conv(x, channels, 1, 2)))


def _stems() -> Iterator[Sample]:
    for channels, kernel, stride, size, batch in STEMS:
        stem = partial(_convolved, channels=channels, kernel=kernel, stride=stride)
        yield Sample(f"stem {kernel}x{kernel} {channels} at {size}", _network(size, stem), batch)
        if kernel == 7:
            graph = _network(size, partial(_pooled, stem=stem))
            yield Sample(f"stem {kernel}x{kernel} {channels} and pool at {size}", graph, batch)


def _pooled(x: Tensor, stem: Layers) -> Tensor:
    return max_pool(stem(x), 3, 2)


BODIES: dict[str, tuple[Layers, int]] = {
    "norm": (norm, 8),
    "norm, relu": (lambda x: relu(norm(x)), 6),
    "add": (lambda x: norm(x) + x, 6),
    "group norm": (lambda x: norm(x, "group", groups=8), 4),
    "layer norm": (lambda x: norm(x, "layer"), 4),
    "gate": (lambda x: squeeze_excite(x, 8), 4),
    "dropout": (lambda x: dropout(norm(x), 0.5), 4),
    "2x2 pool": (lambda x: avg_pool(norm(x), 2, 2), 1),
    "sigmoid": (lambda x: sigmoid(norm(x)), 4),
    "gelu": (lambda x: gelu(norm(x)), 4),
    "silu": (lambda x: silu(norm(x)), 4),
    "hard_swish": (lambda x: hard_swish(norm(x)), 4),
    "prelu": (lambda x: prelu(norm(x)), 4),
}
"""Layers without convolutions, and how often they follow each other in a network."""

MAPS = ((16, 32, 64), (64, 16, 16), (256, 4, 16))
"""The shapes at which they are measured: channels, size, images in a batch."""

RARE = ("sigmoid", "gelu", "silu", "hard_swish", "prelu")
"""The layers of `BODIES` that are measured at the last two of these shapes alone."""


def _others() -> Iterator[Sample]:
    for name, (layers, times) in BODIES.items():
        for channels, size, batch in MAPS[1:] if name in RARE else MAPS:
            yield Sample(f"{name} {channels} at {size}", _repeated(channels, size, layers, times), batch)
    for channels, classes in ((64, 10), (512, 1000), (2048, 1000)):
        yield Sample(f"dense {channels} {classes}", _repeated(channels, 2, lambda x: x, 0, classes), 16)


def _stages(x: Tensor, block: Layers, widths: tuple[int, ...], repeat: int, kind: Kind = "projection") -> Tensor:
    """Stages of residual blocks; each after the first halves the map."""
    expansion = 4 if block in (bottleneck, preact_bottleneck) else 1
    for index, width in enumerate(widths):
        for number in range(repeat):
            stride = 2 if index and not number else 1
            with_shortcut = Shortcut(width * expansion, stride, kind)
            x = block(x, width, stride, with_shortcut)  # type: ignore[call-arg]
    return x


def _imagenet_stem(x: Tensor) -> Tensor:
    return max_pool(_convolved(x, 64, 7, 2), 3, 2)


def _whole() -> Iterator[Sample]:
    """Small residual networks: fewer blocks, or other widths, than any published one."""
    wide, narrow = (64, 128, 256, 512), (16, 32, 64)
    yield Sample("basic", _network(64, lambda x: _stages(_imagenet_stem(x), basic, wide, 1)), 16)
    yield Sample("bottleneck", _network(64, lambda x: _stages(_imagenet_stem(x), bottleneck, wide, 1)), 16)
    yield Sample("small basic", _network(32, lambda x: _stages(_convolved(x, 16), basic, narrow, 2, "pad")), 64)
    yield Sample("pre-activation", _network(32, lambda x: _stages(conv(x, 16, 3), preact_bottleneck, narrow, 2)), 64)
    yield Sample("wide", _network(32, lambda x: _stages(conv(x, 16, 3), preact_basic, (96, 192, 384), 1)), 16)
