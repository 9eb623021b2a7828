"""MXNet's GPU build from wheels alone: installs, loads without a CUDA toolkit, and says that there is no GPU."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

STUB = " ".join(
    f"int {name}() {{ return 100; }}"
    for name in (
        "cuDeviceGet",
        "cuDevicePrimaryCtxRetain",
        "cuGetErrorString",
        "cuGraphKernelNodeGetParams",
        "cuGraphNodeGetType",
        "cuLaunchKernel",
        "cuModuleGetFunction",
        "cuModuleLoadData",
        "cuModuleLoadDataEx",
        "cuModuleUnload",
    )
)


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="MXNet has no build for this Python")
def test_the_gpu_build_installs_loads_and_reports_its_missing_gpu(tmp_path):
    """Downloads some 2 GB. A stub stands for the driver's library where there is no driver."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc for the stub of libcuda")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    command = [python, "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), f"{ROOT}[mxnet-cu112]"]
    subprocess.run(command, check=True)
    (tmp_path / "stub.c").write_text(STUB)
    library = str(tmp_path / "libcuda.so.1")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, str(tmp_path / "stub.c")], check=True)
    env = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run(
        [python, "-m", "resnet_lab", "doctor", "--json"], capture_output=True, text=True, env=env, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    mxnet = next(engine for engine in json.loads(done.stdout)["engines"] if engine["name"] == "mxnet")
    assert mxnet["problem"] is None
    assert mxnet["build"] == "mxnet-cu112"
    assert (mxnet["version"], mxnet["devices"], mxnet["auto"]) == ("1.9.1", ["cpu"], "cpu")
    assert mxnet["why"] == "MXNet sees no GPU"
    code = (
        "import resnet_lab as rl; net = rl.build('cifar_resnet20')\n"
        "import mxnet as mx; print(net(mx.nd.zeros((1, 3, 32, 32))).shape)"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.stdout.strip().endswith("(1, 10)"), done.stderr
