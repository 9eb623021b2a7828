"""How long it takes to match each built-in block to each baseline, in milliseconds."""

from __future__ import annotations

import time

from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.specs.matching import MatchSpec, match
from resnet_lab.specs.variant import load


def test_the_time_to_match_each_block(benchmark):
    found: dict[str, list[float]] = {}

    def turn() -> None:
        for baseline in ("resnet18", "resnet50", "cifar_resnet20"):
            against = load(baseline)
            for name in [name for name, entry in BLOCKS.entries.items() if entry.is_own]:
                variant = load(baseline, {"every_stage.block": name})
                start = time.perf_counter()
                match(
                    variant, against.graph(), MatchSpec(what="macs"), against.graph().input, against.spec.head.classes
                )
                found.setdefault(f"{baseline} with {name}", []).append(time.perf_counter() - start)

    benchmark.pedantic(turn, rounds=5)
    for pair, times in found.items():
        print(f"\nmatch macs, {pair}: {1000 * sorted(times)[2]:.0f} ms", end="")
    print()
