"""The engine for PyTorch 2, which also has kernels for newer GPUs. It imports PyTorch only when it is used."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ...base import hardware
from ...base.errors import LabError
from ...blocks.opaque import ModuleFacts, check_engine
from ...network.graph import Graph, Shape
from ..contract import Rank
from ..devices import check_compile, check_precision, check_tf32_override, choose_device, device_numbers, single_devices
from .compiling import COMPILE_MODES, choose
from .ops import OPS

if TYPE_CHECKING:
    from .model import TorchModel

INSTALL = (
    "pip install 'resnet-lab[torch]' "
    "(the page 'Get Started' of pytorch.org has the command for a smaller build without CUDA)"
)

_OLDEST = (2, 2)
"""The oldest release of PyTorch that the engine supports."""

_WITH_SCALER = (2, 3)
"""The first release of PyTorch with torch.amp.GradScaler, and with float16 on the CPU."""

_WITH_TF32 = (8, 0)
"""The lowest compute capability with TF32."""


class TorchEngine:
    """Lowers graphs to torch.nn.Modules; engines/contract.py describes the methods."""

    name = "torch"
    packages = ("torch", "numpy")
    ops = OPS
    precisions = ("float32", "tf32", "bfloat16", "float16")
    synchronised_norm = True
    compile_modes = COMPILE_MODES
    default_compile_mode = "off"
    _threads: int | None = None

    def problem(self) -> str | None:
        """Why PyTorch cannot run here, found out without importing it; None if it can."""
        if sys.modules.get("torch", True) is None or importlib.util.find_spec("torch") is None:
            return f"PyTorch is not installed: {INSTALL}"
        version = hardware.version("torch")
        if _release(version) < _OLDEST:
            return f"PyTorch {version} is too old, {_OLDEST[0]}.{_OLDEST[1]} or later is needed: {INSTALL}"
        return None

    def version(self) -> str:
        """The installed version, which names the build (`+cpu`, `+cu130`)."""
        return hardware.version("torch")

    def package(self) -> str:
        """The installed package that contains PyTorch."""
        return "torch"

    def devices(self) -> list[str]:
        """`cpu`, and the GPUs for which the installed PyTorch has kernels."""
        return ["cpu", *(f"gpu:{index}" for index in range(self._gpus()[0]))]

    def device(self, wanted: str) -> tuple[str, str]:
        """Choose the device that `auto`, `cpu`, `gpu:N`, `gpu:N,M`, ... means here (contract.py), and say why.

        Raises:
            LabError: the installed PyTorch cannot use a GPU that `wanted` names.
        """
        return choose_device("this PyTorch", wanted, *((0, "") if wanted.startswith("cpu") else self._gpus()))

    def processes(self, device: str) -> int:
        """How many processes train one model together on a device: one for each device of it."""
        return len(single_devices(device))

    def use_threads(self, count: int) -> None:
        """Set the number of CPU threads, unless the user set OMP_NUM_THREADS."""
        self._threads = count
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(hardware.threads_in_use(count))

    def check_precision(self, precision: str, device: str) -> None:
        """Check a precision: float32, bfloat16 and float16 work on every device, tf32 on GPUs.

        Raises:
            LabError: the precision is unknown, the installed PyTorch or the device does not have it, or the environment
                forces another on the GPU.
        """
        check_precision(self.name, precision, self.precisions)
        if precision == "tf32" and device.startswith("cpu"):
            raise LabError("the precision 'tf32' needs a GPU of compute capability 8.0 or later; the CPU has no TF32")
        if precision == "float16" and _release(hardware.version("torch")) < _WITH_SCALER:
            raise LabError(
                f"the precision 'float16' needs PyTorch 2.3 or later, and {hardware.version('torch')} is installed"
            )
        if device.startswith("gpu"):
            check_tf32_override(precision)
            if precision == "tf32":
                self._check_tf32(device)

    def compiling(self, wanted: str, device: str) -> tuple[str, str]:
        """Choose the compile mode, `off` or a mode of torch.compile (compiling.py); also returns the reason.

        Raises:
            LabError: there is no such mode, or torch.compile cannot work in it here.
        """
        check_compile(self.name, wanted, self.compile_modes)
        return choose(wanted, device)

    def build(
        self, graph: Graph, device: str, precision: str = "float32", compile: str = "auto", rank: Rank | None = None
    ) -> TorchModel:
        """Build a model with a module of the graph; its weights are zero until `load` sets them.

        Args:
            graph: the network.
            device: `cpu` or `gpu:N`.
            precision: `float32`, `tf32`, `bfloat16` or `float16`.
            compile: `auto`, or one of `compile_modes`.
            rank: the place of this process if several train the model together.

        Raises:
            LabError: PyTorch cannot run here, or not in this precision or compile mode, or there are several devices.
        """
        check_engine(graph, self.name, precision)
        if self.processes(device) > 1:
            raise LabError(f"'{device}' is for experiments: a model of the engine 'torch' is on one device")
        self._import()
        self.check_precision(precision, device)
        mode, _ = self.compiling(compile, device)
        from .model import TorchModel

        return TorchModel(graph, device, precision, mode, rank)

    def deterministic(self) -> AbstractContextManager[None]:
        """A context in which PyTorch uses deterministic algorithms only (determinism.py).

        Raises:
            LabError: PyTorch cannot run here; inside the context also: an operation has no deterministic form.
        """
        self._import()
        from .determinism import deterministic

        return deterministic()

    def matrix_product(self, size: int, device: str, precision: str) -> Callable[[], object]:
        """A function that multiplies two random matrices on the device, and waits for the device."""
        torch = self._import()
        from .precision import Precision

        place = torch.device(device.replace("gpu", "cuda"))
        used = Precision(precision, place)
        first, second = (torch.rand(size, size, device=place).to(used.stored) for _ in range(2))

        def multiply() -> None:
            with used.products():
                torch.mm(first, second)
            if place.type == "cuda":
                torch.cuda.synchronize(place)

        return multiply

    def module_facts(self, module: Any, input: Shape) -> ModuleFacts:
        """The output shape of an nn.Module for images of the shape `input` (C, H, W), and its floating-point arrays."""
        torch = self._import()
        with torch.no_grad():
            output = module.eval()(torch.zeros(2, *input))
        arrays = {
            name: (own.detach().numpy(), own.requires_grad)
            for name, own in module.state_dict(keep_vars=True).items()
            if own.is_floating_point()
        }
        return ModuleFacts(tuple(output.shape[1:]), arrays)

    def out_of_memory(self, error: BaseException) -> bool:
        """Whether an error means that the memory of the machine or of the GPU was not sufficient."""
        text = str(error).lower()
        return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text

    def clean_up(self) -> None:
        """Give back the memory of models that are gone, and forget the peak on GPUs and what torch.compile keeps."""
        if "torch._dynamo" in sys.modules:
            sys.modules["torch._dynamo"].reset()  # At first: what it keeps holds the weights and the graphs of a model.
        hardware.give_back_memory()
        if "torch" not in sys.modules:
            return
        torch = self._import()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
            for index in range(torch.cuda.device_count()):
                torch.cuda.reset_peak_memory_stats(index)

    def _import(self) -> Any:
        """Import PyTorch, and set its threads.

        Raises:
            LabError: PyTorch cannot run here.
        """
        problem = self.problem()
        if problem:
            raise LabError(f"the engine 'torch' cannot run here: {problem}")
        if "torch" not in sys.modules:
            with hardware.openmp_threads(self._threads or hardware.threads()):
                import torch
            torch.set_num_threads(hardware.threads_in_use(self._threads))
        import torch

        return torch

    def _check_tf32(self, device: str) -> None:
        """Check that the GPUs of a device have TF32."""
        torch = self._import()
        for number in device_numbers(device):
            capability = torch.cuda.get_device_capability(number)
            if capability < _WITH_TF32:
                raise LabError(
                    f"the precision 'tf32' needs a GPU of compute capability 8.0 or later, and gpu:{number} has "
                    f"{capability[0]}.{capability[1]}"
                )

    def _gpus(self) -> tuple[int, str]:
        """The number of GPUs that can be used, and the reason that it is not larger."""
        torch = self._import()
        if not torch.cuda.is_available():
            build = "is a CPU build" if torch.version.cuda is None else "sees no GPU"
            return 0, f"the installed PyTorch {build}"
        majors = {
            int(name.removeprefix("sm_").removesuffix("a")) // 10
            for name in torch.cuda.get_arch_list()
            if name.startswith("sm_")
        }
        for index in range(torch.cuda.device_count()):
            major, minor = torch.cuda.get_device_capability(index)
            if major not in majors:
                return index, f"the installed PyTorch has no kernels for compute capability {major}.{minor}"
        return torch.cuda.device_count(), "every GPU that PyTorch sees"


def _release(version: str) -> tuple[int, int]:
    """The first two numbers of a version, such as (2, 13) of 2.13.0+cpu."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


ENGINE = TorchEngine()
