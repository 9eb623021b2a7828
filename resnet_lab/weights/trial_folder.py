"""The folder of a trial as a source of a network and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..base.errors import LabError
from ..base.files import read_json
from ..blocks.opaque import homes
from ..network.graph import Graph, Shape, show
from ..specs import plugins

WEIGHTS = "weights.safetensors"
"""The name of the file in which a trial keeps its weights."""


@dataclass(frozen=True)
class TrialNetwork:
    """The network of a trial that ran; it takes the place of a variant.

    Attributes:
        name: The name of the trial's variant.
        trained: The network with the input shape and the classes of the trial.
        weights: The file in which the trial keeps its weights, whether the file exists or not.
    """

    name: str
    trained: Graph
    weights: Path

    def graph(self, input: Shape | None = None, classes: int | None = None) -> Graph:
        """The trial's network.

        Raises:
            LabError: The input shape or the number of classes is another one than the trial's.
        """
        graph = self.trained
        if (input or graph.input, (classes or graph.output[0],)) != (graph.input, graph.output):
            raise LabError(
                f"the network of a trial takes images of {show(graph.input)} and has {graph.output[0]} classes; for "
                f"another shape name its variant, {self.name}, and give the trial's {WEIGHTS} with --weights"
            )
        return graph


def is_trial(folder: Path) -> bool:
    """Whether a path is the folder of a trial."""
    return (folder / "trial.json").is_file()


def read(folder: Path) -> TrialNetwork:
    """Read the network from the folder of a trial, with the values of the grid at that trial.

    This is the only function of this room that knows the keys of `trial.json` (training/trial.py writes them). The
    person's own Python files whose modules are in the network are loaded too.

    Raises:
        LabError: `trial.json` is damaged, or a Python file of the network is missing or fails.
    """
    file = folder / "trial.json"
    try:
        config = read_json(file)
        name, graph = str(config["variant"]), Graph.from_json(config["graph"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"cannot be read as a trial: {type(error).__name__}: {error}", file=file) from None
    for home in homes(graph):
        plugins.load_file(Path(home), (home, 1))
    return TrialNetwork(name, graph, folder / WEIGHTS)
