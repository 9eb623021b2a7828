"""MXNet 1.9 and Gluon, the default engine. MXNet is imported when a model is built or GPUs are counted."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from ...base import hardware
from ...base.errors import LabError
from ...blocks.opaque import ModuleFacts, check_engine
from ...network.graph import Graph, Shape
from ..devices import check_compile, check_precision, choose_device
from . import compat
from .cuda import preload
from .lowering import LOWERINGS

if TYPE_CHECKING:
    from .model import MXNetModel

INSTALL = (
    "pip install 'resnet-lab[mxnet]'"
    if sys.version_info < (3, 12)
    # MXNet's metadata asks for NumPy below 2, so pip may not follow it there.
    else "pip install 'resnet-lab[mxnet]' && pip install --no-deps mxnet==1.9.1 gluoncv==0.10.5.post0 autocfg==0.0.8"
)
_WHEELS = ("mxnet", "mxnet-cu112", "mxnet-cu117", "mxnet-cu110", "mxnet-cu102")
_NO_KERNELS_FROM = 9.0
"""MXNet's own wheels hold kernels for the compute capabilities 5.0 to 8.6, which also run on 8.9, and no PTX."""


class MXNetEngine:
    """Lowers graphs to Gluon HybridBlocks; see the contract in `resnet_lab.engines`."""

    name = "mxnet"
    packages = ("mxnet", "gluoncv", "numpy")
    precisions = ("float32", "float16")
    multi_gpu = True
    compile_modes = ("hybridize", "off")
    default_compile_mode = "hybridize"
    ops = frozenset(LOWERINGS)
    _threads: int | None = None

    def problem(self) -> str | None:
        """Why MXNet cannot be imported here, judged without importing it; None where it can."""
        if importlib.util.find_spec("mxnet") is None:
            return f"MXNet is not installed: {INSTALL}"
        if self._wheel():
            return compat.problem((sys.version_info[0], sys.version_info[1]), compat.numpy_version())
        return None

    def version(self) -> str:
        """The wheel's version; an MXNet without a wheel (a container's) is asked by importing it."""
        wheel = self._wheel()
        if wheel:
            return hardware.version(wheel)
        return str(self._import().__version__) if importlib.util.find_spec("mxnet") else ""

    def package(self) -> str:
        """The wheel that MXNet came with, '' for one that came otherwise (in a container)."""
        return self._wheel() or ""

    def devices(self) -> list[str]:
        """`cpu` and the GPUs that this MXNet has kernels for."""
        return ["cpu", *(f"gpu:{index}" for index in range(self._gpus()[0]))]

    def device(self, wanted: str) -> tuple[str, str]:
        """The device that `auto`, `cpu`, `gpu`, `gpu:N` or `gpu:N,M` means here, and why.

        Raises:
            LabError: a GPU is asked for that this MXNet cannot use.
        """
        return choose_device("this MXNet", wanted, *(self._gpus() if wanted != "cpu" else (0, "")))

    def use_threads(self, count: int) -> None:
        """Choose the CPU threads, unless the person set OMP_NUM_THREADS; call it before MXNet is imported."""
        self._threads = count

    def check_precision(self, precision: str, device: str) -> None:
        """float32 anywhere, float16 on GPUs.

        Raises:
            LabError: another, or float16 on the CPU.
        """
        check_precision(self.name, precision, self.precisions)
        if precision == "float16" and device == "cpu":
            raise LabError(
                "MXNet has no convolutions in float16 for the CPU: precision 'float16' needs a GPU "
                "(the engine 'torch' has bfloat16, on the CPU too)"
            )

    def compiling(self, wanted: str, device: str) -> tuple[str, str]:
        """`hybridize` (a static graph in static memory) or `off` (imperative Gluon); `auto` is the first.

        Raises:
            LabError: another word.
        """
        check_compile(self.name, wanted, self.compile_modes)
        return ("hybridize", "static graph and memory") if wanted == "auto" else (wanted, "asked for")

    def build(self, graph: Graph, device: str, precision: str = "float32", compile: str = "auto") -> MXNetModel:
        """A Gluon block of the graph on `cpu`, `gpu:N` or `gpu:N,M`, all zeros until `load`.

        Raises:
            LabError: MXNet cannot run here, or not in that precision, or `compile` is no way of it.
        """
        check_engine(graph, self.name, precision)
        self._import()
        self.check_precision(precision, device)
        way, _ = self.compiling(compile, device)
        from .model import MXNetModel

        return MXNetModel(graph, device, precision, hybridize=way == "hybridize")

    def module_facts(self, module: Any, input: Shape) -> ModuleFacts:
        """What a HybridBlock makes of images of `input` (C, H, W), and what arrays it has, by structural names."""
        mx = self._import()
        module.initialize()
        output = module(mx.nd.zeros((2, *input)))
        own = module._collect_params_with_prefix()
        arrays = {name: (array.data().asnumpy(), array.grad_req != "null") for name, array in own.items()}
        return ModuleFacts(tuple(output.shape[1:]), arrays)

    def out_of_memory(self, error: BaseException) -> bool:
        """Whether an error says that memory ran out."""
        text = str(error).lower()
        return isinstance(error, MemoryError) or "out of memory" in text or "failed to allocate" in text

    def _wheel(self) -> str | None:
        return next((wheel for wheel in _WHEELS if hardware.version(wheel)), None)

    def _import(self) -> Any:
        problem = self.problem()
        if problem:
            raise LabError(f"the engine 'mxnet' cannot run here: {problem}")
        compat.install()
        if "mxnet" not in sys.modules and (self._wheel() or "").startswith("mxnet-cu"):
            preload()
        with hardware.openmp_threads(self._threads or hardware.threads()):
            import mxnet

        return mxnet

    def _gpus(self) -> tuple[int, str]:
        """How many GPUs can be used, and why not more."""
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
                    "to 8.9: use the engine 'torch', or an MXNet built for that GPU, which is taken as it is"
                )
        return count, "every GPU that MXNet sees"


ENGINE = MXNetEngine()
