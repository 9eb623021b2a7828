"""Load the CUDA 11 libraries of NVIDIA's wheels, because MXNet's GPU build looks only where a CUDA toolkit installs."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

_LIBRARIES = (
    # In this order, because each library needs only libraries before it.
    ("cuda_runtime", "libcudart.so.11.0"),
    ("cublas", "libcublasLt.so.11"),
    ("cublas", "libcublas.so.11"),
    ("cuda_nvrtc", "libnvrtc.so.11.2"),
    ("cufft", "libcufft.so.10"),
    ("curand", "libcurand.so.10"),
    ("cusparse", "libcusparse.so.11"),
    ("cusolver", "libcusolver.so.11"),
    ("nvtx", "libnvToolsExt.so.1"),
    ("nccl", "libnccl.so.2"),
    ("cudnn", "libcudnn.so.8"),
)


def preload() -> list[str]:
    """Load the libraries that are installed as wheels, so that `import mxnet` finds them in memory.

    Returns:
        The names of the libraries that no wheel contains; the system's linker may still find them elsewhere.

    Raises:
        OSError: a library exists but cannot be loaded.
    """
    package = importlib.util.find_spec("nvidia")
    folders = [Path(folder) for folder in (package.submodule_search_locations or [])] if package else []
    missing = []
    for wheel, name in _LIBRARIES:
        library = next((path for folder in folders if (path := folder / wheel / "lib" / name).is_file()), None)
        if library is None:
            missing.append(name)
        else:
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return missing
