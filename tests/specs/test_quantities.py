"""Times and amounts of memory as people write them."""

import pytest

from resnet_lab.specs import quantities


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("90s", 90), ("1h30m", 5400), ("0.5m", 30), ("2h", 7200)])
def test_a_time_has_a_unit(text, seconds):
    assert quantities.seconds(text) == seconds


@pytest.mark.parametrize("text", ["10", 10, "ten minutes", "m", "-5m", "0s", "", None])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="is not a time such as 2h"):
        quantities.seconds(text)


@pytest.mark.parametrize(("text", "amount"), [("8GiB", 8 << 30), ("500MB", 500_000_000), ("1.5 KiB", 1536), ("7B", 7)])
def test_memory_has_a_unit(text, amount):
    assert quantities.memory(text) == amount


@pytest.mark.parametrize("text", ["8", 8, "8G", "GiB", "-1GiB", "0GB", None])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(ValueError, match="is not an amount of memory such as 8GiB"):
        quantities.memory(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "1 s"), (89, "89 s"), (90, "2 min"), (7100, "118 min"), (7200, "2 h"), (9000, "2 h 30 min")],
)
def test_a_time_in_words(seconds, words):
    assert quantities.duration(seconds) == words
