"""The progress bar of downloads and of reading."""

import pytest

from resnet_lab.data.formats.progress import progress_bar


def test_the_bar_is_on_standard_error_with_its_title_and_bytes(capsys):
    with progress_bar("data.tar.gz", 2_000_000) as update:
        update(500_000)
        update(2_000_000)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "data.tar.gz" in printed.err
    assert "2.0/2.0 MB" in printed.err


def test_a_total_that_becomes_known_later_is_shown(capsys):
    with progress_bar("f.bin", None) as update:
        update(1_000_000, 4_000_000)
    assert "1.0/4.0 MB" in capsys.readouterr().err


def test_an_error_inside_goes_through():
    with pytest.raises(ZeroDivisionError), progress_bar("f.bin", 10):
        raise ZeroDivisionError
