"""The CUDA 11 libraries of NVIDIA's wheels, for MXNet's GPU build, which looks for them where a toolkit would be."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

_LIBRARIES = (
    # In this order: each needs only those before it.
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
    """Load what the wheels hold, so that `import mxnet` finds it; returns the names that no wheel holds.

    Those may still be found in the system's own places.

    Raises:
        OSError: a library is there and does not load.
    """
    package = importlib.util.find_spec("nvidia")
    places = [Path(place) for place in (package.submodule_search_locations or [])] if package else []
    missing = []
    for folder, name in _LIBRARIES:
        found = next((path for place in places if (path := place / folder / "lib" / name).is_file()), None)
        if found is None:
            missing.append(name)
        else:
            ctypes.CDLL(str(found), mode=ctypes.RTLD_GLOBAL)
    return missing
