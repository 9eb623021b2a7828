"""The whole training step as one graph, rehearsed on a CPU: `tape.py` takes the place of CUDA graphs."""

import math

import numpy as np
import pytest

from resnet_lab import data, ops
from resnet_lab.engines.contract import Diverged, Fallback, Rank
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import OPTIMIZERS, Adam, AdamW, Sgd
from resnet_lab.training.epoch import train_epoch
from tests.conftest import engine_or_skip

RNG = np.random.default_rng(0)
BATCHES = [
    (RNG.standard_normal((8, 3, 6, 6)).astype(np.float32), RNG.integers(0, 5, 8).astype(np.int32)) for _ in range(6)
]
CONSTANT = [0.05] * 12
COSINE = [0.05 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]


def residual(size=6, channels=3, classes=5):
    """Batch norm, whose statistics a step changes, group norm, dropout and stochastic depth, which draw."""
    builder = Builder()
    x = ops.relu(ops.norm(ops.conv(builder.input((channels, size, size)), 6, 3)))
    x = x + ops.drop_path(ops.dropout(ops.norm(ops.conv(x, 6, 3), "group", groups=3), 0.2), 0.3)
    return builder.finish(ops.dense(ops.global_avg_pool(ops.relu(ops.norm(x))), classes))


@pytest.fixture
def make(monkeypatch):
    """Makes a model on the CPU in a compile mode, with tapes for CUDA graphs."""
    engine_or_skip("torch")
    from resnet_lab.engines.torch import model
    from tests.engines.tape import Tapes

    monkeypatch.setattr(model, "CudaGraphs", Tapes)

    def made(mode, rule=None, precision="float32", graph=None, **settings):
        graph = graph or residual()
        own = model.TorchModel(graph, "cpu", precision, mode)
        own.load(initial(graph, 0))
        own.prepare(rule or Sgd(momentum=0.9, nesterov=True), **settings)
        return own

    return made


def trained(model, rates=CONSTANT, batches=BATCHES, smoothing=0.0):
    """Train two epochs, with an evaluation between them; returns the losses, logits, all arrays and the state."""
    losses, logits = [], []
    for epoch in range(2):
        own = rates[epoch * len(batches) :][: len(batches)]
        train_epoch(model, batches, own, epoch, lambda images, loss: losses.append(loss), smoothing)
        with model.averaged():
            logits += [model.predict(BATCHES[0][0][:count]) for count in (8, 3)]
    return {"losses": np.array(losses), "logits": np.concatenate(logits)} | model.weights() | model.optimizer_state()


def assert_equal(one, other):
    assert one.keys() == other.keys()
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


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


def digits(**augment):
    dataset = data.load("digits", channels=3)
    split = data.InMemory(dataset.train.images[:48], dataset.train.labels[:48])
    return data.Feed(split, 8, 3, dataset.mean, dataset.std, data.AugmentSpec(**augment))


def trained_on(model, feed):
    losses = []
    for epoch in range(3):
        rates = COSINE[: feed.steps]
        train_epoch(model, feed.epoch(epoch), rates, epoch, lambda images, loss: losses.append(loss))
    return {"losses": np.array(losses)} | model.weights()


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


def reads_its_loss(model):
    """Let every step read its loss, which waits for the device, and so cannot be captured."""
    forward = model._forward

    def reading(*args):
        logits, loss = forward(*args)
        assert loss.item() == loss.item()
        return logits, loss

    model._forward = reading
    return model


@pytest.mark.parametrize("rule", [kind(weight_decay=0.01) for kind in OPTIMIZERS.values()], ids=str)
def test_a_step_that_cannot_be_captured_falls_back_by_name_and_loses_nothing(make, rule):
    plain, captured = make("off", rule, ema=0.9), reads_its_loss(make("step-eager", rule, ema=0.9))
    assert_equal(trained(plain), trained(captured))
    assert captured.fallback.mode == "off"
    assert "not permitted when stream is capturing: aten._local_scalar_dense" in captured.fallback.reason
    captured.prepare(rule)
    assert captured._captured is None, "a model that has fallen back does not try again"


def test_a_failed_capture_in_the_middle_of_an_epoch_on_the_device(make):
    graph = residual(8, classes=10)
    captured, feed = reads_its_loss(make("step-eager", graph=graph)), digits(pad_crop=2, flip=True)
    assert_equal(trained_on(make("off", graph=graph), feed), trained_on(captured, feed))
    assert captured.fallback is not None


def test_several_processes_are_not_captured(make, monkeypatch):
    from resnet_lab.engines.torch import model

    monkeypatch.setattr(model, "Group", lambda rank, device: None)
    own = model.TorchModel(residual(), "cpu", "float32", "step-eager", Rank(0, 2, ""))
    assert (own.fallback.mode, own.fallback.reason) == ("off", "several processes train the model together")
    own.prepare(Sgd())
    assert own._captured is None


def test_float16_is_not_captured(make):
    """Its scale decides in each step whether the step counts."""
    plain, own = make("off", precision="float16"), make("step-eager", precision="float16")
    assert own.fallback == Fallback("off", "with float16, Python decides in each step whether it counts")
    assert_equal(trained(plain), trained(own))


def test_a_loss_that_is_no_number_ends_the_epoch(make):
    with pytest.raises(Diverged, match="training loss became (nan|inf)"):
        train_epoch(make("step-eager", Sgd()), BATCHES, [1e30] * 6, 0, lambda images, loss: None)


@pytest.mark.parametrize(("mode", "of_the_network"), [("step", "default"), ("step-eager", None)])
def test_the_mode_says_whether_the_network_is_compiled(make, monkeypatch, mode, of_the_network):
    from resnet_lab.engines.torch import model

    asked = []
    monkeypatch.setattr(model, "compiled", lambda block, mode: asked.append(mode) or block)
    own = make(mode)
    assert asked == [of_the_network] * (of_the_network is not None)
    trained(own)
    assert own.fallback is None


def test_the_tape_sees_no_python_number_that_changes_and_carries_nothing_out():
    """The stand-in must fail where a CUDA graph would; else the tests above would show nothing."""
    engine_or_skip("torch")
    import torch

    from tests.engines.tape import Tapes

    value, total, seen = torch.ones(()), torch.zeros(()), []
    factor = 2.0

    def function():
        seen.append(1)
        total.add_(value * factor + torch.rand(()) * 0)

    state = torch.get_rng_state()
    replay = Tapes(torch.device("cpu"))(function)
    assert total == 0
    assert torch.equal(torch.get_rng_state(), state)
    factor = 100.0
    replay()
    assert total == 2
    value.fill_(3.0)
    replay()
    assert (total, seen) == (8, [1])
    for refused in (lambda: total.item(), lambda: torch.tensor(1.0), lambda: torch.nonzero(total), lambda: bool(total)):
        with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
            Tapes(torch.device("cpu"))(refused)


@pytest.mark.parametrize("fails", [False, True])
def test_cuda_graphs_name_the_first_error_and_put_back_the_stream_and_the_generator(monkeypatch, fails):
    """There is no GPU here: stand-ins for PyTorch's classes write down the order of the calls."""
    engine_or_skip("torch")
    import contextlib

    import torch

    from resnet_lab.engines.torch.captured import CudaGraphs

    calls = []

    class Graph:
        def pool(self):
            return "the pool"

        def replay(self):
            calls.append("replay")

    @contextlib.contextmanager
    def capturing(graph, pool, stream):
        calls.append(("begin", pool, stream))
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
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)

    def function():
        calls.append("function")
        if fails:
            raise ValueError("an operation that cannot be captured")

    graphs = CudaGraphs(torch.device("cuda:0"))
    if fails:
        with pytest.raises(ValueError, match="an operation that cannot be captured"):
            graphs(function)
        put_back = [("set", "own"), ("the default", torch.device("cuda:0"), "seed and offset")]
        assert calls == [("begin", None, "side"), "function", *put_back]
    else:
        graphs(function)()
        graphs(function)
        assert calls == [("begin", None, "side"), "function", "replay", ("begin", "the pool", "side"), "function"]
