"""The Python functions for speed: what networks cost on this machine, measured and predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...network.graph import Shape
from ...specs.variant import load as load_variant

if TYPE_CHECKING:
    import pandas as pd

    from ...training.calibration import OnSample
    from ...training.cost_prediction import Calibration, Prediction
    from .plan import Batch


def bench(
    *variants: str,
    engine: str | Sequence[str] = "auto",
    device: str | Sequence[str] = "auto",
    mode: str | Sequence[str] = "train",
    batch_size: Batch | Sequence[Batch] = 32,
    precision: str | Sequence[str] = "float32",
    compile: str | Sequence[str] = "auto",
    input: Shape | None = None,
    peer: str | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Measure how fast networks train and predict on this machine, and which of them is faster.

    Each of `engine` to `compile` may be a list; all values are combined.

    Args:
        variants: Names or paths of stage specs. The first is the baseline: the others are timed in turns with it.
        engine: `mxnet`, `torch` or `auto`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        mode: `infer`, `train` (forward, backward and update together), `forward`, `backward` or `update`.
        batch_size: The number of images in a batch; `max` searches the largest that fits.
        precision: `float32`, `tf32`, `bfloat16` or `float16`; docs/engines.md says which engine has it on which device.
        compile: A compile mode of the engine, or `auto`.
        input: (channels, height, width); each spec's own if None.
        peer: `gluoncv`, `timm` or `torchvision`: also measure the library's networks, in turns with ours.
        threads: CPU threads; if None, what OMP_NUM_THREADS says, else one for each core.
        tell: Called with a line of text after each row.

    Returns:
        A DataFrame with one row for each network of each combination; docs/bench.md describes the columns.

    Raises:
        LabError: A variant or a value does not exist, or cannot work here.
    """
    import pandas as pd

    from .plan import plan
    from .run import run as take

    lists = {"engine": engine, "device": device, "mode": mode, "batch_size": batch_size}
    lists |= {"precision": precision, "compile": compile}
    choices: dict[str, Any] = {
        name: [value] if isinstance(value, (str, int)) else list(value) for name, value in lists.items()
    }
    jobs = plan(variants, **choices, input=input, peer=peer, threads=threads)
    return pd.DataFrame(take(jobs, tell))


def calibrate(
    engine: str = "auto", device: str = "auto", precision: str = "float32", on_sample: OnSample | None = None
) -> Calibration:
    """Measure small networks on this machine, and keep their times, so that `predict_cost` can predict from them.

    Args:
        engine: `mxnet`, `torch` or `auto`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        precision: `float32`, `tf32`, `bfloat16` or `float16`; docs/engines.md says which engine has it on which device.
        on_sample: Called before each network is measured: its number from 1, how many there are, its name.

    Returns:
        The calibration: `.here`, `.took_s`, `.other_load`, `.train.held_out_error` and `.predict(graph, batch)`. It is
        kept in the user's cache folder.

    Raises:
        LabError: The engine, the device or the precision cannot be used here.
    """
    from ...training.calibration import calibrate as measure
    from ...training.cost_prediction import this_machine

    found = measure(this_machine(engine, device, precision), on_sample or (lambda number, count, name: None))
    found.save()
    return found


def predict_cost(
    name: str,
    engine: str = "auto",
    batch_size: int = 32,
    input: Shape | None = None,
    classes: int | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> Prediction:
    """Predict what training and inference of a variant cost on this machine, which `calibrate` has measured.

    Args:
        name: The variant's name, or the path of its YAML file.
        engine: `mxnet`, `torch` or `auto`.
        batch_size: The number of images in a batch.
        input: (channels, height, width); the spec's own if None.
        classes: Outputs of the head; the spec's own if None.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        precision: `float32`, `tf32`, `bfloat16` or `float16`; docs/engines.md says which engine has it on which device.

    Returns:
        The prediction: `.train_s`, `.train_images_per_s`, `.infer_s`, `.peak_bytes`, and by layer `.train_layers`,
        `.infer_layers` and `.kept`.

    Raises:
        LabError: As `graph`; or this machine is not calibrated for the engine, the device and the precision.
    """
    from ...training.cost_prediction import load as read
    from ...training.cost_prediction import this_machine

    return read(this_machine(engine, device, precision)).predict(load_variant(name).graph(input, classes), batch_size)
