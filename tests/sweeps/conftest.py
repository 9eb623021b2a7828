"""What tests of sweeps share."""

from pathlib import Path

import pytest

from resnet_lab.sweeps import tryout
from tests.conftest import any_engine
from tests.sweeps.pretending import MINE


@pytest.fixture
def prepared(workspace):
    """Puts the block of a text into CIFAR ResNet-20."""

    def of(text=MINE, **options):
        (workspace / "b.py").write_text(text)
        usual = {"baseline": "cifar_resnet20", "data": "digits", "match": None, "block": None, "engine": any_engine()}
        return tryout.prepare(Path("b.py"), results=Path("results"), **(usual | options))

    return of
