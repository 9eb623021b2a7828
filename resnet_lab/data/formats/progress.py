"""A progress bar, in bytes and on standard error, for downloads and other long reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar while the `with` block runs.

    Args:
        title: the text before the bar.
        total: how many bytes there are in total; None if that is not known yet.

    Yields:
        A function that updates the bar. It takes the number of bytes that are done, and the total number or None.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)

        def update(done: int, whole: int | None = None) -> None:
            progress.update(task, completed=done, total=whole if whole is not None else total)

        yield update
