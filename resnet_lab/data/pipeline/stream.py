"""Worker processes that make batches: in shared memory, in the order of the steps, never more ahead than there is room.

A step goes to the worker with the least to do, and batches are handed on in the order of the steps: what
is in a batch depends on its step alone, so neither the number of workers nor their speed changes anything.
A batch lies in a slot of shared memory; the slot is used again when the batch is no longer
referred to, which keeps fast workers back (and one who hoards batches gets copies).
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import pickle
import signal
import traceback
import weakref
from collections import deque
from collections.abc import Iterator
from itertools import count
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from .pixels import Made

_SPARE = 2
"""Slots beyond one a worker, at least: what the loop looks at, and one that is ready."""

_ROOM, _AHEAD = 64 << 20, 8
"""Bytes that more spare slots may take, and how many a worker: small batches come fast, and a wait for each costs."""

_HELD = 2
"""Slots that the loop may hold before it is given copies."""

_QUEUED = 6
"""Steps that are given to a worker at a time."""

Answer = tuple[int, NDArray[Any], tuple[str, ...]] | LabError | str
"""How many images are in the slot, their labels, the damaged ones; or a person's mistake; or a traceback."""


class Maker(Protocol):
    """What makes the batches of an epoch: a Feed, an Evaluation."""

    @property
    def steps(self) -> int: ...

    @property
    def batch_shape(self) -> tuple[int, int, int, int]: ...

    def make(self, epoch: int, step: int, out: NDArray[np.float32] | None = None) -> Made: ...


class Workers:
    """Processes that make batches; started when they are first asked, ended by `close` or the end of a `with`.

    They are new interpreters, not copies of this one: a fork of a process that runs a framework's threads may hang.

    Args:
        number: at least 1.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []
        self._free: deque[int] = deque()
        self._memory: Any = None
        self._slot_bytes = self._slots = 0
        self._names: weakref.WeakKeyDictionary[Maker, int] = weakref.WeakKeyDictionary()
        self._next_name = count()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def batches(self, maker: Maker, epoch: int) -> Iterator[Made]:
        """The batches of an epoch, in order.

        Raises:
            LabError: as making them does.
            RuntimeError: a worker failed or died.
        """
        self._start(4 * int(np.prod(maker.batch_shape)))
        name = self._known(maker)
        under_way: dict[int, tuple[int, int]] = {}  # by step: worker and slot
        done: dict[int, tuple[int, Answer]] = {}  # by step: slot and answer
        queued = [0] * self.number
        step = wanted = 0
        try:
            while wanted < maker.steps:
                while self._free and step < maker.steps and min(queued) < _QUEUED:
                    worker = queued.index(min(queued))
                    under_way[step] = worker, self._free.popleft()
                    queued[worker] += 1
                    self._send(worker, (name, epoch, step, under_way[step][1]))
                    step += 1
                while wanted not in done:
                    for worker, number, answer in self._answers():
                        queued[worker] -= 1
                        done[number] = under_way.pop(number)[1], answer
                slot, answer = done.pop(wanted)
                if not isinstance(answer, tuple):
                    self._free.append(slot)
                    raise answer if isinstance(answer, LabError) else RuntimeError(f"a data worker failed:\n{answer}")
                wanted += 1
                yield self._delivered(slot, answer, maker, len(under_way) + len(done))
        finally:
            self._free.extend(slot for slot, _ in done.values())
            try:
                while under_way:  # the loop was broken off: take what is on its way
                    for _, number, _ in self._answers():
                        self._free.append(under_way.pop(number)[1])
            except RuntimeError:
                self.close()

    def close(self) -> None:
        """End the processes; batches that are still referred to stay as they are."""
        for pipe in self._pipes:
            pipe.close()  # which ends them, where they wait for work
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.terminate()
                process.join()
        self._processes, self._pipes, self._free = [], [], deque()
        self._names.clear()

    def _start(self, slot_bytes: int) -> None:
        """Have workers with slots that are large enough."""
        if self._processes and slot_bytes <= self._slot_bytes:
            return
        self.close()
        context = multiprocessing.get_context("spawn")
        slots = self.number + max(_SPARE, min(_AHEAD * self.number, _ROOM // slot_bytes))
        self._slot_bytes, self._slots = slot_bytes, slots
        # Lies in a file that has no name any more, so that nothing is left behind however this ends.
        self._memory = context.RawArray(ctypes.c_char, slots * slot_bytes)
        self._free = deque(range(slots))
        for _ in range(self.number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, self._memory, slot_bytes), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)

    def _known(self, maker: Maker) -> int:
        """The number that workers know a maker by; they forget those that are no more."""
        if maker not in self._names:
            self._names[maker] = next(self._next_name)
            told = pickle.dumps(maker), list(self._names.values())
            for worker in range(self.number):
                self._send(worker, (self._names[maker], *told))
        return self._names[maker]

    def _send(self, worker: int, message: tuple[Any, ...]) -> None:
        try:
            self._pipes[worker].send(message)
        except OSError:
            raise self._death(worker) from None

    def _answers(self) -> Iterator[tuple[int, int, Answer]]:
        """Worker, step and answer of those that have one; waits for the first."""
        for ready in wait(self._pipes):
            worker = self._pipes.index(ready)  # type: ignore[arg-type]
            try:
                step, answer = self._pipes[worker].recv()
            except (EOFError, OSError):
                raise self._death(worker) from None
            yield worker, step, answer

    def _death(self, worker: int) -> RuntimeError:
        process = self._processes[worker]
        process.join(5)
        code = process.exitcode
        told = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return RuntimeError(f"a data worker ended with {told}" + (", as when memory runs out" if code == -9 else ""))

    def _delivered(self, slot: int, made: tuple[int, NDArray[Any], tuple[str, ...]], maker: Maker, others: int) -> Made:
        """A view of the slot, which comes free with the last reference to it; a copy for one who holds many."""
        amount, labels, bad = made
        shape = (amount, *maker.batch_shape[1:])
        block = (ctypes.c_char * self._slot_bytes).from_buffer(self._memory, slot * self._slot_bytes)
        images = np.frombuffer(memoryview(block), np.float32, int(np.prod(shape))).reshape(shape)
        if self._slots - len(self._free) - others > _HELD:
            images = images.copy()
            self._free.append(slot)
        else:
            weakref.finalize(block, self._free.append, slot).atexit = False
        return images, labels, bad


def _work(pipe: Connection, memory: Any, slot_bytes: int) -> None:
    """What a worker process does until its pipe ends: with its parent, or by `close`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and ends us
    makers: dict[int, Maker] = {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            name, *told = pipe.recv()
            if len(told) == 2:
                content, alive = told
                makers = {key: value for key, value in makers.items() if key in alive}
                makers[name] = pickle.loads(content)
            else:
                epoch, step, slot = told
                pipe.send((step, _made(makers[name], epoch, step, slot, memory, slot_bytes)))


def _made(maker: Maker, epoch: int, step: int, slot: int, memory: Any, slot_bytes: int) -> Answer:
    """The answer to a step."""
    try:
        size = int(np.prod(maker.batch_shape))
        out = np.frombuffer(memory, np.float32, size, slot * slot_bytes).reshape(maker.batch_shape)
        images, labels, bad = maker.make(epoch, step, out)
        return len(images), labels, bad
    except LabError as error:
        return error
    except Exception:
        return traceback.format_exc()
