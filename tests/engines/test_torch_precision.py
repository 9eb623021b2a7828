"""The precisions of the torch engine: PyTorch's switches for TF32, and which precision works where."""

import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from resnet_lab.base import hardware
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from tests.conftest import engine_or_skip

EXACT = (False, "highest")
TF32 = (True, "high")


@pytest.fixture
def torch():
    """PyTorch, whose settings for TF32 are afterwards what they were."""
    engine_or_skip("torch")
    import torch

    from resnet_lab.engines.torch.precision import Precision

    with Precision("float32", torch.device("cuda")).products():
        yield torch


@pytest.fixture
def cuda(torch):
    """A GPU, which is asked for settings only."""
    return torch.device("cuda")


def older(torch):
    """The settings that all releases have; PyTorch raises an error here if its newer settings contradict them."""
    return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()


def newer(torch):
    """The settings since PyTorch 2.9; the products of cuDNN and of cuBLAS."""
    backends = torch.backends
    if not hasattr(backends.cuda.matmul, "fp32_precision"):
        pytest.skip("PyTorch before 2.9 has only the older settings")
    return {owner.fp32_precision for owner in (backends.cudnn, backends.cudnn.conv, backends.cuda.matmul)}


@pytest.mark.parametrize("name", engines.get("torch").precisions)
def test_only_tf32_lets_a_gpu_round_float32(torch, cuda, name):
    from resnet_lab.engines.torch.precision import Precision

    with Precision(name, cuda).products():
        assert older(torch) == (TF32 if name == "tf32" else EXACT)
        assert torch.backends.cuda.matmul.allow_tf32 is (name == "tf32")


@pytest.mark.parametrize(
    "setting",
    [
        lambda torch: None,
        lambda torch: setattr(torch.backends.cudnn, "allow_tf32", True),
        lambda torch: torch.set_float32_matmul_precision("medium"),
        lambda torch: setattr(torch.backends.cudnn.conv, "fp32_precision", "tf32"),
        lambda torch: setattr(torch.backends, "fp32_precision", "tf32"),
    ],
    ids=["nothing", "cudnn", "medium", "newer", "newest for all"],
)
@pytest.mark.parametrize("name", ["float32", "tf32"])
def test_what_the_program_has_set_neither_matters_nor_changes(torch, cuda, setting, name):
    from resnet_lab.engines.torch.precision import Precision, _switches

    newer(torch)
    torch.backends.cudnn.fp32_precision = torch.backends.cudnn.conv.fp32_precision = "none"
    setting(torch)
    try:
        before = [switch.read() for switch in _switches()]
        for _ in range(2):
            with Precision(name, cuda).products():
                assert older(torch) == (TF32 if name == "tf32" else EXACT)
                assert newer(torch) == {"tf32" if name == "tf32" else "ieee"}
            assert [switch.read() for switch in _switches()] == before
    finally:
        torch.backends.fp32_precision = "none"


def test_models_of_two_precisions_take_turns(torch, cuda):
    """Two models in one process: each sees its own precision in every pass; between the passes the process has its."""
    from resnet_lab.engines.torch.precision import Precision

    seen, models = [], {}
    for name in ("tf32", "float32"):
        models[name] = _trainable("cifar_resnet20")
        models[name]._precision = own = Precision(name, cuda)
        own._autocast, own.forward = None, own.products  # a CPU build warns about autocast for a GPU
        block = models[name].block
        block.head.dense1.register_forward_hook(lambda *_, name=name: seen.append((name, older(torch))))
        block.head.dense1.weight.register_hook(lambda _, name=name: seen.append((name, older(torch))))
    torch.backends.cudnn.allow_tf32 = True
    images, labels = torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    for name in ("tf32", "float32", "float32", "tf32"):
        models[name].train_step(images, labels, 0.1)
        models[name].predict(images.numpy())
        assert older(torch) == (True, "highest")
    wanted = {"tf32": TF32, "float32": EXACT}
    assert seen == [(name, wanted[name]) for name in ("tf32", "float32", "float32", "tf32") for _ in range(3)]


def _trainable(name):
    graph = rl.graph(name, classes=10)
    model = engines.get("torch").build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Sgd())
    model.begin_epoch(0)
    return model


@pytest.mark.slow
def test_torch_compile_accepts_the_switches(torch, cuda):
    """It reads the older settings and the newer, and compiles anew where they change; within one model they do not."""
    from torch._dynamo import testing

    from resnet_lab.engines.torch.precision import Precision

    counter = testing.CompileCounterWithBackend("inductor")
    product = torch.compile(lambda a, b: a @ b, backend=counter)
    torch._dynamo.reset()
    for name in ("tf32", "tf32", "float32", "float32", "tf32"):
        with Precision(name, cuda).products():
            assert product(torch.ones(4, 4), torch.ones(4, 4)).sum() == 64
    assert counter.frame_count == 2


def test_the_cpu_refuses_tf32_with_file_and_line(torch, workspace):
    problem = "the precision 'tf32' needs a GPU of compute capability 8.0 or later; the CPU has no TF32"
    with pytest.raises(LabError, match=problem):
        engines.get("torch").build(rl.graph("cifar_resnet20", classes=10), "cpu", "tf32")
    text = (
        "variants: [cifar_resnet20]\ndata: {size: 8}\ntrain: {epochs: 1, batch_size: 32}\nengine: torch\ndevice: cpu\n"
    )
    (workspace / "experiments" / "e.yaml").write_text(text + "grid:\n  precision: [float32, tf32]\n")
    with pytest.raises(LabError, match=f"e.yaml:7: {problem}"):
        rl.run("experiments/e.yaml")
    assert not (workspace / "results").exists()


@pytest.mark.parametrize(
    ("precision", "forced", "word"), [("float32", "1", "may turn TF32 on"), ("tf32", "0", "forbids TF32")]
)
def test_the_environment_must_not_force_the_opposite(torch, monkeypatch, precision, forced, word):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", forced)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: (8, 0))
    check = engines.get("torch").check_precision
    with pytest.raises(LabError, match=f"NVIDIA_TF32_OVERRIDE={forced}, which {word} .* '{precision}'"):
        check(precision, "gpu:0")
    check({"float32": "tf32", "tf32": "float32"}[precision], "gpu:0")
    check("bfloat16", "gpu:0")
    check("float32", "cpu")


def test_an_older_gpu_refuses_tf32_alone(torch, monkeypatch):
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: [(8, 0), (7, 5)][number])
    check = engines.get("torch").check_precision
    check("tf32", "gpu:0")
    check("float32", "gpu:0,1")
    with pytest.raises(LabError, match=r"needs a GPU of compute capability 8.0 or later, and gpu:1 has 7\.5"):
        check("tf32", "gpu:0,1")


def test_float16_needs_a_pytorch_with_a_scaler(torch, monkeypatch):
    check = engines.get("torch").check_precision
    check("float16", "cpu")
    monkeypatch.setattr(hardware, "version", lambda package: "2.2.2+cu121")
    with pytest.raises(LabError, match=r"'float16' needs PyTorch 2.3 or later, and 2\.2\.2\+cu121 is installed"):
        check("float16", "cpu")
    check("bfloat16", "cpu")


@pytest.mark.parametrize("name", engines.get("torch").precisions)
def test_products_of_matrices_in_every_precision(torch, name):
    engines.get("torch").matrix_product(8, "cpu", name)()
