"""What tests share: a workspace of their own, the command line, and frameworks asked for by name."""

from __future__ import annotations

import gc
import importlib.util
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from resnet_lab import engines
from resnet_lab import graph as variant_graph
from resnet_lab.base import hardware, other_load, registry
from resnet_lab.cli.app import main
from resnet_lab.data import Feed
from resnet_lab.engines.contract import Model
from resnet_lab.network.graph import Graph
from resnet_lab.network.initial import branch_ends, initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch
from resnet_lab.weights import gluon_zoo, safetensors
from tests.sweeps.pretending import InThisProcess

if "PYTEST_XDIST_WORKER" in os.environ:  # side by side, threads that spin would only take each other's cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell that starts a command in the background makes it ignore Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in ("RESNET_LAB_OFFLINE", "RESNET_LAB_MIRROR"):  # tests download from a server of their own
    os.environ.pop(name, None)
os.fsync = lambda file: None  # no test takes the power away, and thousands of small files would wait for the disk
other_load._AGAIN = 0.01  # beside other tests the machine is always busy, so that every sweep would look again

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with `variants/` and `experiments/`."""
    (tmp_path / "variants").mkdir()
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with registry.temporary():
        yield


_FIRST_STATES: dict[int, object] = {}
"""The states of the generators `RNG` of test modules, before the first test that uses them, by `id`."""


@pytest.fixture(autouse=True)
def _same_draws(request):
    """A test draws the same numbers from its module's `RNG`, whichever tests ran before it in this process."""
    generator = getattr(request.module, "RNG", None)
    if generator is not None:
        state = _FIRST_STATES.setdefault(id(generator), generator.bit_generator.state)
        generator.bit_generator.state = state


MEMORY_LIMIT = 1 << 30
"""Bytes of resident memory above which a test process gives back what it no longer uses."""


@pytest.fixture(autouse=True)
def _memory():
    """Give freed memory back to the system: models of earlier tests wait in reference cycles and in malloc's heap."""
    yield
    if hardware.resident() > MEMORY_LIMIT:
        hardware.give_back_memory()
        gc.freeze()  # what is left are modules and tests, and to search these again and again takes half a second each


@pytest.fixture
def lab() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line in this process, through the same `main` as a person's call: `lab("describe", "resnet18")`."""

    def call(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        printed, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(errors):
            patch.setattr(sys, "argv", ["resnet-lab", *words])
            for name, value in env.items():
                patch.setenv(name, value)
            if cwd is not None:
                patch.chdir(cwd)
            with pytest.raises(SystemExit) as end:
                main()
        return subprocess.CompletedProcess(words, end.value.code or 0, printed.getvalue(), errors.getvalue())

    return call


@pytest.fixture
def trains_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of the local machine run in this process: a worker of their own would first import a framework."""
    monkeypatch.setattr("resnet_lab.sweeps.run.Local", lambda slots: InThisProcess())


@pytest.fixture
def program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line in a process of its own, for tests of what only a new interpreter shows."""

    def call(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "resnet_lab", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, env={**os.environ, **env})

    return call


def heavy_imports(code: str) -> list[str]:
    """Those of the slow packages that a fresh interpreter has imported after some code."""
    slow = ("mxnet", "torch", "gluoncv", "pandas", "numpy", "safetensors")
    print_them = f"; import sys; print(*[name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + print_them], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A file of random weights for the CIFAR ResNet-20, without metadata."""
    path = tmp_path / "net.safetensors"
    safetensors.save(path, random_weights(variant_graph("cifar_resnet20")))
    return path


def engine_or_skip(name: str) -> engines.contract.Engine:
    """The engine of that name, or a skip that says why it cannot run here."""
    engine = engines.get(name)
    problem = engine.problem()
    if problem:
        pytest.skip(problem)
    return engine


def any_engine() -> str:
    """The name of an engine that can run here, or a skip."""
    found = next((name for name in engines.names() if not engines.get(name).problem()), None)
    return found or pytest.skip("no engine can run here")


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
    """Gluon-CV's model zoo, or a skip where it is not installed."""
    if importlib.util.find_spec("gluoncv") is None:
        pytest.skip("Gluon-CV is not installed")
    with gluon_zoo.importable():
        from gluoncv import model_zoo
    return model_zoo


def random_weights(graph: Graph, seed: int = 1) -> dict[str, np.ndarray]:
    """Random weights and statistics under which activations keep their size through a thousand layers."""
    generator = np.random.default_rng(seed)
    values = initial(graph, seed)
    for own in values:
        if own.endswith(("scale", "running_var")):
            values[own] = generator.uniform(0.8, 1.2, values[own].shape).astype(np.float32)
        elif own.endswith(("bias", "running_mean")):
            values[own] = generator.normal(0, 0.1, values[own].shape).astype(np.float32)
    ends = branch_ends(graph)
    for end in ends:
        values[end] *= np.float32(len(ends) ** -0.5)
    return values


def trained_in_two_goes(make: Callable[[], Model], start: dict[str, np.ndarray], feed: Feed, breaks: bool) -> Model:
    """A model after two epochs; with `breaks`, another takes over between them, from the first's weights and state."""
    model = make()
    model.load(start)
    model.prepare(Sgd(momentum=0.9))
    for epoch in range(2):
        train_epoch(model, feed.epoch(epoch), [0.05] * feed.steps, epoch, lambda images, loss: None)
        if breaks and epoch == 0:
            kept, state = model.weights(), model.optimizer_state()
            model = make()
            model.prepare(Sgd(momentum=0.9))
            model.load(kept)
            model.load_optimizer_state(state)
    return model


settings.register_profile("here", deadline=None, derandomize=True)
settings.load_profile("here")
