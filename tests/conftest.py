"""What tests share: a workspace of their own, the command line, and frameworks asked for by name."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from resnet_lab import engines, plugins
from resnet_lab.blocks import BLOCKS
from resnet_lab.data import DATASETS
from resnet_lab.stems import STEMS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with `variants/` and `experiments/`."""
    (tmp_path / "variants").mkdir()
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _registries(monkeypatch: pytest.MonkeyPatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(plugins, "_LOADED", {})
    with BLOCKS.temporary(), STEMS.temporary(), DATASETS.temporary():
        yield


@pytest.fixture
def lab() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line as a person calls it: `lab("describe", "resnet18")`."""

    def call(
        *words: str, cwd: Path | None = None, timeout: float = 300, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "resnet_lab", *words],
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=timeout,
            env={**os.environ, **env},
        )

    return call


def engine_or_skip(name: str) -> engines.contract.Engine:
    """The engine of that name, or a skip that says why it cannot run here."""
    engine = engines.get(name)
    problem = engine.problem()
    if problem:
        pytest.skip(problem)
    return engine


@pytest.fixture(params=engines.names())
def engine(request: pytest.FixtureRequest) -> engines.contract.Engine:
    """Each engine that can run here."""
    return engine_or_skip(request.param)


@pytest.fixture
def shared_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real test data; skips where RESNET_LAB_DATA names none."""
    given = os.environ.get("RESNET_LAB_DATA")
    if not given or not Path(given).is_dir():
        pytest.skip("RESNET_LAB_DATA names no folder of test data")
    return Path(given)


def gluoncv():
    """Gluon-CV's model zoo; its import refuses a newer torch beside it, so torch is hidden meanwhile."""
    if importlib.util.find_spec("gluoncv") is None:
        pytest.skip("Gluon-CV is not installed")
    before = sys.modules.get("torch")
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        from gluoncv import model_zoo
    finally:
        if before is None:
            del sys.modules["torch"]
        else:
            sys.modules["torch"] = before
    return model_zoo


settings.register_profile("here", deadline=None, derandomize=True)
settings.load_profile("here")
