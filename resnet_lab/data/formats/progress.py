"""A progress bar in bytes, on standard error, for work that a person waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar while the work inside goes on.

    Args:
        title: the words before the bar.
        total: the bytes of the whole work; None where they are not known yet.

    Yields:
        A function that takes the bytes that are done so far, and the bytes of the whole work where they are known.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)

        def update(done: int, whole: int | None = None) -> None:
            progress.update(task, completed=done, total=whole if whole is not None else total)

        yield update
