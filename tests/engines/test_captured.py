"""The whole training step as one graph, rehearsed on a CPU: `tape.py` takes the place of CUDA graphs."""

import numpy as np
import pytest

from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import OPTIMIZERS, Adam, AdamW, Sgd
from tests.conftest import engine_or_skip
from tests.engines.capturing import BATCHES, CONSTANT, COSINE, assert_equal, digits, residual, trained, trained_on

RECIPES = [
    *((kind(weight_decay=0.05), COSINE if name != "sgd" else CONSTANT, {}) for name, kind in OPTIMIZERS.items()),
    (Sgd(momentum=0.9, weight_decay=0.01, decay="weights"), CONSTANT, {"clip_norm": 0.5}),
    (Sgd(momentum=0.9, weight_decay=0.01, nesterov=True), COSINE, {"ema": 0.9}),
    (Sgd(weight_decay=0.01, decay="weights"), COSINE, {"ema": 0.2, "clip_norm": 0.5}),
    (Adam(), COSINE, {"ema": 0.9, "clip_norm": 0.5}),
    (AdamW(weight_decay=0.05, decay="weights"), COSINE, {}),
]


@pytest.mark.parametrize(("rule", "rates", "settings"), RECIPES, ids=str)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_captured_steps_equal_plain_ones_bit_for_bit(make, rule, rates, settings, smoothing):
    """Losses, predictions, moving averages, running statistics, weights and the state of the optimizer."""
    plain, captured = make("off", rule, **settings), make("step-eager", rule, **settings)
    assert_equal(trained(plain, rates, smoothing=smoothing), trained(captured, rates, smoothing=smoothing))
    tapes = captured._captured._capture
    assert (len(tapes.tapes), tapes.plain, tapes.tapes[0].replays) == (1, 3, 9)
    assert captured.fallback is None


def test_momentum_under_a_changing_rate_differs_by_rounding(make):
    """Without Nesterov, the plain step multiplies the velocity by momentum * change inside a fused operation.

    A captured step multiplies it by the change first, because the fused operation takes only Python numbers: one more
    rounding (2**-24) of each velocity in each step in which the rate changes.
    """
    rule = Sgd(momentum=0.9, weight_decay=0.01)
    plain, captured = trained(make("off", rule), COSINE), trained(make("step-eager", rule), COSINE)
    for name, array in plain.items():
        assert np.abs(captured[name] - array).max() <= 1e-5 * max(1.0, np.abs(array).max()), name


def test_the_score_of_a_step_stays_when_later_steps_have_run(make):
    """A training loop reads it late; the graph writes each score to the same place."""
    losses = []
    for mode in ("off", "step-eager"):
        model = make(mode)
        model.begin_epoch(0)
        started = [model.train_step(*batch, 0.05) for batch in model.on_device(BATCHES)]
        losses.append([step.wait() for step in started])
    assert losses[0] == losses[1]


def test_captured_steps_in_bfloat16(make):
    plain, captured = (trained(make(mode, precision="bfloat16")) for mode in ("off", "step-eager"))
    assert_equal(plain, captured)


def test_labels_that_are_shares_of_classes(make):
    shares = [(images, np.eye(5, dtype=np.float32)[labels] * 0.7 + 0.06) for images, labels in BATCHES]
    plain, captured = (trained(make(mode), batches=shares) for mode in ("off", "step-eager"))
    assert_equal(plain, captured)


def test_the_graph_uses_only_memory_that_the_model_keeps(make):
    """Memory that Python frees after the capture would be given to others, and a replay would write into it."""
    import torch

    rule = Adam(weight_decay=0.01)
    model = make("step-eager", rule, clip_norm=0.5, ema=0.9)
    trained(model)
    update, step = model._update, model._captured
    (form,) = step._forms.values()
    state = [value for own in update.optimizer.state.values() for value in own.values()]
    kept = [*model.block.parameters(), *model.block.buffers(), *state, *update._average.values()]
    kept += [update._next_rate, update._last_rate, update._number, update._lr, step._score, *form.inputs.read()]
    kept += model._statistics._old
    addresses = {tensor.untyped_storage().data_ptr() for tensor in kept}
    (tape,) = step._capture.tapes
    assert set(tape.outside) <= addresses
    assert len(tape.outside) > len(state)
    assert all(isinstance(value, torch.Tensor) for value in state)


def test_each_form_of_a_batch_has_a_graph_of_its_own(make):
    """Batches of two sizes in turns, then another label smoothing: as `bench` and the throughput of a trial have it."""
    small = [(images[:4], labels[:4]) for images, labels in BATCHES]
    batches = [batch for pair in zip(BATCHES, small, strict=True) for batch in pair]

    def go(model):
        return trained(model, [0.05] * 24, batches) | {
            f"again {k}": v for k, v in trained(model, smoothing=0.1).items()
        }

    model = make("step-eager")
    assert_equal(go(make("off")), go(model))
    assert len(model._captured._capture.tapes) == 3


@pytest.mark.parametrize("into_the_same", [True, False])
def test_a_state_taken_out_and_put_back_goes_on_exactly(make, into_the_same):
    """Also into the model whose graphs use the memory of the old state."""
    rule = Adam(weight_decay=0.01)
    through = make("step-eager", rule, ema=0.9)
    trained(through)
    wanted = trained(through, COSINE)
    broken = make("step-eager", rule, ema=0.9)
    trained(broken)
    weights, state = broken.weights(), broken.optimizer_state()
    if into_the_same:
        trained(broken, COSINE)
    else:
        broken = make("step-eager", rule, ema=0.9)
    broken.load(weights)
    broken.load_optimizer_state(state)
    assert_equal(wanted, trained(broken, COSINE))


def test_replicas_in_one_network_are_captured_with_a_score_for_each(make):
    from resnet_lab.engines.torch.replicas import ReplicasModel

    graph, feeds = residual(8, classes=10), [digits(flip=True), digits(pad_crop=1)]
    found = []
    for mode in ("off", "step-eager"):
        model = ReplicasModel(graph, 2, "cpu", "float32", mode)
        model.load_replicas([initial(graph, seed) for seed in (0, 1)])
        model.prepare(Sgd(momentum=0.9, nesterov=True))
        model.begin_epoch(0)
        epochs = [feed.epoch(0) for feed in feeds]
        started = [model.train_step(*batch, 0.05) for batch in model.on_device(epochs)]
        found.append({"scores": np.array([step.scores() for step in started])} | model.weights())
    assert_equal(*found)
    assert found[1]["scores"].shape == (6, 2, 3)
    assert model.fallback is None


@pytest.mark.parametrize("augment", [{}, {"pad_crop": 1}, {"pad_crop": 2, "flip": True}], ids=str)
def test_the_graph_gathers_crops_and_mirrors_the_batches_of_a_small_dataset(make, augment):
    graph = residual(8, classes=10)
    captured = make("step-eager", graph=graph)
    assert_equal(trained_on(make("off", graph=graph), digits(**augment)), trained_on(captured, digits(**augment)))
    (tape,) = captured._captured._capture.tapes
    assert any("index.Tensor" in str(call[0]) for call in tape.calls)


def test_a_dataset_with_other_augmentations_comes_from_the_host(make):
    graph = residual(8, classes=10)
    captured, feed = make("step-eager", graph=graph), digits(flip=True, random_erasing=0.5)
    assert_equal(trained_on(make("off", graph=graph), feed), trained_on(captured, feed))
    (tape,) = captured._captured._capture.tapes
    assert not any("index.Tensor" in str(call[0]) for call in tape.calls)


def test_parts_of_a_step_are_measured_without_the_graph(make):
    graph = residual(8, classes=10)
    captured, plain, feed = make("step-eager", graph=graph), make("off", graph=graph), digits(flip=True)
    for model in (captured, plain):
        model.begin_epoch(0)
        for images, labels in model.on_device(feed.epoch(0)):
            assert set(model.step_parts(images, labels, 0.05)) == {"forward", "backward", "update"}
    assert_equal(plain.weights(), captured.weights())
    assert captured._captured._capture.plain == 0


@pytest.mark.parametrize(("mode", "of_the_network"), [("step", "default"), ("step-eager", None)])
def test_the_mode_says_whether_the_network_is_compiled(make, monkeypatch, mode, of_the_network):
    from resnet_lab.engines.torch import model

    asked = []
    monkeypatch.setattr(model, "compiled", lambda block, mode: asked.append(mode) or block)
    own = make(mode)
    assert asked == [of_the_network] * (of_the_network is not None)
    trained(own)
    assert own.fallback is None


@pytest.mark.parametrize("fails", ["", "before PyTorch 2.12", "PyTorch 2.12"])
def test_cuda_graphs_name_the_first_error_and_put_back_the_stream_the_generator_and_the_allocator(monkeypatch, fails):
    """There is no GPU here: stand-ins for PyTorch's classes write down the order of the calls."""
    engine_or_skip("torch")
    import contextlib

    import torch

    from resnet_lab.engines.torch.captured import CudaGraphs

    calls = []

    class Graph:
        def replay(self):
            calls.append("replay")

    @contextlib.contextmanager
    def capturing(graph, pool, stream, capture_error_mode):
        calls.append(("begin", pool, stream, capture_error_mode))
        try:
            yield
        finally:
            if fails:
                raise RuntimeError("operation failed due to a previous error during capture")

    class Generator:
        def __init__(self, device):
            self.device = device

        def get_state(self):
            return "seed and offset"

        def set_state(self, state):
            self.state = state

        def graphsafe_set_state(self, other):
            calls.append((self.device, other.device, other.state))

    monkeypatch.setattr(torch, "Generator", Generator)
    for name, value in {
        "default_generators": (Generator("the default"),),
        "CUDAGraph": Graph,
        "Stream": lambda device: "side",
        "current_stream": lambda device=None: "own",
        "set_stream": lambda stream: calls.append(("set", stream)),
        "graph": capturing,
        "device": lambda device: contextlib.nullcontext(),
        "graph_pool_handle": lambda: "the pool",
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)

    def end(device, pool):
        if fails == "PyTorch 2.12":
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        calls.append(("ended", device, pool))

    for name, value in {
        "_cuda_clearCublasWorkspaces": lambda: calls.append("clear"),
        "_cuda_endAllocateToPool": end,
        "_cuda_releasePool": lambda device, pool: calls.append(("released", device, pool)),
    }.items():
        monkeypatch.setattr(torch._C, name, value, raising=False)

    def function():
        calls.append("function")
        if fails:
            raise ValueError("an operation that cannot be captured")

    graphs = CudaGraphs(torch.device("cuda:0"))
    if fails:
        with pytest.raises(ValueError, match="an operation that cannot be captured"):
            graphs(function)
        put_back = [("set", "own"), ("the default", torch.device("cuda:0"), "seed and offset")]
        if fails == "before PyTorch 2.12":  # Each later capture would fail while the allocator waits for this one.
            put_back += [("ended", 0, "the pool"), ("released", 0, "the pool")]
        assert calls == ["clear", ("begin", "the pool", "side", "thread_local"), "function", *put_back, "clear"]
    else:
        graphs(function)()
        graphs(function)
        captured = ["clear", ("begin", "the pool", "side", "thread_local"), "function", "clear"]
        assert calls == [*captured, "replay", *captured]
