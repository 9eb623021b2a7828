"""What tests of sweeps share."""

from pathlib import Path

import pytest

from resnet_lab.sweeps import tryout
from tests.conftest import any_engine, engine_or_skip
from tests.sweeps.pretending import MINE

TEXT = """
variants: [tiny, tiny_plain]
data: {name: digits, size: 8, validation: 0.1, augment: [{pad_crop: 1}]}
train: {epochs: 3, batch_size: 32, optimizer: {lr: 0.1, momentum: 0.9}, schedule: cosine}
"""


@pytest.fixture
def prepared(workspace):
    """Puts the block of a text into CIFAR ResNet-20."""

    def of(text=MINE, **options):
        (workspace / "b.py").write_text(text)
        usual = {"baseline": "cifar_resnet20", "data": "digits", "match": None, "block": None, "engine": any_engine()}
        return tryout.prepare(Path("b.py"), results=Path("results"), **(usual | options))

    return of


@pytest.fixture
def tiny(workspace):
    """Two nets that train in a second, and an experiment with both."""
    engine_or_skip("mxnet")
    (workspace / "variants" / "tiny.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\n"
        "  - {block: basic, repeat: 1, channels: 16, stride: 2}\nhead: {classes: 10}\n"
    )
    (workspace / "variants" / "tiny_plain.yaml").write_text("extends: tiny\nevery_stage: {block: plain_basic}\n")
    (workspace / "experiments" / "e.yaml").write_text(TEXT)
    return workspace
