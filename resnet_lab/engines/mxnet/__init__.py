"""The default engine: MXNet 1.9 and Gluon. It imports MXNet only to build a model, run a module or count GPUs."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...base import hardware
from ...base.errors import LabError
from ...blocks.opaque import ModuleFacts, check_engine
from ...network.graph import Graph, Shape
from ..contract import Rank
from ..devices import TF32_OVERRIDE, check_compile, check_precision, check_tf32_override, choose_device, single_devices
from . import compat
from .cuda import preload
from .lowering import LOWERINGS

if TYPE_CHECKING:
    from .model import MXNetModel

INSTALL = (
    "pip install 'resnet-lab[mxnet]'"
    if sys.version_info < (3, 12)
    # MXNet's metadata asks for a NumPy below 2, so pip must install MXNet without its dependencies there.
    else "pip install 'resnet-lab[mxnet]' && pip install --no-deps mxnet==1.9.1 gluoncv==0.10.5.post0 autocfg==0.0.8"
)
_WHEELS = ("mxnet", "mxnet-cu112", "mxnet-cu117", "mxnet-cu110", "mxnet-cu102")
_DETERMINISM = "MXNET_ENFORCE_DETERMINISM"
_NO_KERNELS_FROM = 9.0
"""The lowest compute capability for which MXNet's wheels have no kernels.

The wheels contain machine code for 5.0 to 8.6, which also runs on 8.9, and no PTX that a driver could compile.
"""


class MXNetEngine:
    """Lowers graphs to Gluon HybridBlocks; engines/contract.py describes the methods."""

    name = "mxnet"
    packages = ("mxnet", "gluoncv", "numpy")
    precisions = ("float32", "float16")
    synchronised_norm = False
    compile_modes = ("hybridize", "off")
    default_compile_mode = "hybridize"
    ops = frozenset(LOWERINGS)
    _threads: int | None = None

    def problem(self) -> str | None:
        """Why MXNet cannot run here, found out without importing it; None if it can."""
        if importlib.util.find_spec("mxnet") is None:
            return f"MXNet is not installed: {INSTALL}"
        if self._wheel():
            return compat.problem((sys.version_info[0], sys.version_info[1]), compat.numpy_version())
        return None

    def version(self) -> str:
        """The version of MXNet; an MXNet that no wheel installed (as in a container) is imported for it."""
        wheel = self._wheel()
        if wheel:
            return hardware.version(wheel)
        return str(self._import().__version__) if importlib.util.find_spec("mxnet") else ""

    def package(self) -> str:
        """The wheel that contains MXNet; '' if no wheel installed it (as in a container)."""
        return self._wheel() or ""

    def devices(self) -> list[str]:
        """`cpu`, and the GPUs for which the installed MXNet has kernels."""
        return ["cpu", *(f"gpu:{index}" for index in range(self._gpus()[0]))]

    def device(self, wanted: str) -> tuple[str, str]:
        """Choose the device that `auto`, `cpu`, `gpu:N`, `gpu:N,M`, ... means here (contract.py), and say why.

        Raises:
            LabError: the installed MXNet cannot use a GPU that `wanted` names.
        """
        return choose_device("this MXNet", wanted, *((0, "") if wanted.startswith("cpu") else self._gpus()))

    def processes(self, device: str) -> int:
        """How many processes train one model together on a device: one for all GPUs, one for each device of the CPU."""
        return len(single_devices(device)) if device.startswith("cpu") else 1

    def use_threads(self, count: int) -> None:
        """Set the number of CPU threads, unless the user set OMP_NUM_THREADS; call it before MXNet is imported."""
        self._threads = count

    def check_precision(self, precision: str, device: str) -> None:
        """Check a precision: float32 works on every device, float16 on GPUs.

        Raises:
            LabError: the precision is unknown, or it is float16 and the device is the CPU, or the environment forces
                another on the GPU.
        """
        check_precision(self.name, precision, self.precisions)
        if precision == "float16" and device.startswith("cpu"):
            raise LabError(
                "MXNet has no convolutions in float16 for the CPU: precision 'float16' needs a GPU "
                "(the engine 'torch' has bfloat16 and float16, also on the CPU)"
            )
        if device.startswith("gpu"):
            check_tf32_override(precision)

    def compiling(self, wanted: str, device: str) -> tuple[str, str]:
        """Choose the compile mode: `hybridize` (a static graph in static memory) or `off` (imperative Gluon).

        Returns:
            The mode (`auto` means `hybridize`), and the reason for the choice.

        Raises:
            LabError: MXNet has no such compile mode.
        """
        check_compile(self.name, wanted, self.compile_modes)
        return ("hybridize", "static graph and memory") if wanted == "auto" else (wanted, "asked for")

    def build(
        self, graph: Graph, device: str, precision: str = "float32", compile: str = "auto", rank: Rank | None = None
    ) -> MXNetModel:
        """Build a model with a Gluon block of the graph; its weights are zero until `load` sets them.

        Args:
            graph: the network.
            device: `cpu`, `gpu:N` or `gpu:N,M`.
            precision: `float32` or `float16`.
            compile: `auto`, `hybridize` or `off`.
            rank: the place of this process if several train the model together.

        Raises:
            LabError: MXNet cannot run here, or has no such precision on the device or no such compile mode.
        """
        check_engine(graph, self.name, precision)
        self._import()
        self.check_precision(precision, device)
        mode, _ = self.compiling(compile, device)
        _forbid_tf32(device)
        from .model import MXNetModel

        return MXNetModel(graph, device, precision, hybridize=mode == "hybridize", rank=rank)

    @contextmanager
    def deterministic(self) -> Iterator[None]:
        """A context in which MXNet takes only deterministic algorithms of cuDNN.

        MXNet reads the variable MXNET_ENFORCE_DETERMINISM when a model computes for the first time. It remembers the
        algorithm for each shape in the process, so the context must begin before another model has computed there.
        """
        before = os.environ.get(_DETERMINISM)
        os.environ[_DETERMINISM] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[_DETERMINISM]
            else:
                os.environ[_DETERMINISM] = before

    def matrix_product(self, size: int, device: str, precision: str) -> Callable[[], object]:
        """A function that multiplies two random matrices on the device, and waits for the device."""
        mx = self._import()
        kind, _, number = device.partition(":")
        _forbid_tf32(device)
        context = mx.Context(kind, int(number or 0))
        first, second = (mx.nd.random.uniform(shape=(size, size), ctx=context).astype(precision) for _ in range(2))
        return lambda: mx.nd.dot(first, second).wait_to_read()

    def module_facts(self, module: Any, input: Shape) -> ModuleFacts:
        """The output shape of a HybridBlock for images of the shape `input` (C, H, W), and its arrays.

        The names of the arrays are Gluon's structural names, such as `body.0.weight`.
        """
        mx = self._import()
        module.initialize()
        output = module(mx.nd.zeros((2, *input)))
        own = module._collect_params_with_prefix()
        arrays = {name: (array.data().asnumpy(), array.grad_req != "null") for name, array in own.items()}
        return ModuleFacts(tuple(output.shape[1:]), arrays)

    def out_of_memory(self, error: BaseException) -> bool:
        """Whether an error means that the memory of the machine or of the GPU was not sufficient."""
        text = str(error).lower()
        return isinstance(error, MemoryError) or "out of memory" in text or "failed to allocate" in text

    def clean_up(self) -> None:
        """Give back the memory of models that are gone, also that which MXNet keeps on GPUs for the next arrays."""
        hardware.give_back_memory()
        if "mxnet" in sys.modules:
            mx = self._import()
            for index in range(self._gpus()[0]):
                mx.gpu(index).empty_cache()

    def _wheel(self) -> str | None:
        """The installed wheel of MXNet; None if MXNet is not installed, or not from a wheel."""
        return next((wheel for wheel in _WHEELS if hardware.version(wheel)), None)

    def _import(self) -> Any:
        """Import MXNet, with repairs for newer versions of NumPy and with the CUDA libraries that its GPU build needs.

        Raises:
            LabError: MXNet cannot run here.
        """
        problem = self.problem()
        if problem:
            raise LabError(f"the engine 'mxnet' cannot run here: {problem}")
        if "mxnet" not in sys.modules and (self._wheel() or "").startswith("mxnet-cu"):
            preload()
        with hardware.openmp_threads(self._threads or hardware.threads()):
            import mxnet

        return mxnet

    def _gpus(self) -> tuple[int, str]:
        """The number of GPUs that can be used, and the reason that it is not larger."""
        wheel = self._wheel()
        if wheel == "mxnet":
            return 0, "the installed MXNet is the CPU build (its GPU build is the extra mxnet-cu112)"
        count = self._import().context.num_gpus()
        if count == 0:
            return 0, "MXNet sees no GPU"
        for gpu in hardware.gpus():
            if wheel and float(gpu["capability"]) >= _NO_KERNELS_FROM:
                return 0, (
                    f"{wheel} has no kernels for the {gpu['name']} (compute capability {gpu['capability']}), only up "
                    "to 8.9: use the engine 'torch', or install an MXNet that was built for this GPU"
                )
        return count, "every GPU that MXNet sees"


def _forbid_tf32(device: str) -> None:
    """Let the libraries of this process compute float32 as IEEE float32, if the device is a GPU.

    MXNet has no switch for that. Its convolutions in float32 ask cuDNN for CUDNN_DEFAULT_MATH, which allows TF32.
    cuBLAS and cuDNN read the variable when they first compute.
    """
    if device.startswith("gpu"):
        os.environ.setdefault(TF32_OVERRIDE, "0")


ENGINE = MXNetEngine()
