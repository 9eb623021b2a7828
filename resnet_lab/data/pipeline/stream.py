"""Worker processes that make batches in shared memory.

A step goes to the worker that has the fewest steps to do, and batches are handed on in the order of their steps. The
content of a batch depends on its step alone, so neither the number of workers nor their speed changes a batch.

A batch lies in a slot of the shared memory. The slot is free again when no array refers to it any more, so that
workers which are faster than the training wait. A loop that keeps many batches is given copies.
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
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from .pixels import Made

_SPARE = 2
"""The least number of slots beyond one for each worker: for the batch that the loop works on, and for the next."""

_ROOM, _AHEAD = 64 << 20, 8
"""Limits on further slots: 64 MiB in total, 8 for each worker. Small batches need many, or the queue runs empty."""

_HELD = 2
"""How many slots the training loop may hold before further batches are copied for it."""

_QUEUED = 6
"""The largest number of steps that wait at one worker."""

Answer = tuple[int, NDArray[Any], tuple[str, ...]] | LabError | str
"""A worker's answer to a step: the number of images in the slot, their labels and the names of the damaged pictures;
or a person's mistake; or the traceback of a fault of ours."""


class Maker(Protocol):
    """Makes the batches of an epoch: a Feed or an Evaluation."""

    @property
    def steps(self) -> int: ...

    @property
    def batch_shape(self) -> tuple[int, int, int, int]: ...

    def make(self, epoch: int, step: int, out: NDArray[np.float32] | None = None) -> Made: ...


@dataclass(eq=False)
class _Run:
    """One pass over the batches of an epoch, from the first to the last or until the loop leaves it.

    Attributes:
        done: the answers that have arrived, by step, each with the slot of its images, or with a copy of them where
            another run needed the slot.
    """

    maker: Maker
    epoch: int
    sent: int = 0
    done: dict[int, tuple[int | NDArray[np.float32], Answer]] = field(default_factory=dict)


class Workers:
    """Processes that make batches. They start with the first batch, and end with `close` or with the `with` block.

    Several epochs may be open at once: each gets its own batches. The processes are new interpreters, not copies of
    this one, since a copy of a process that runs the threads of a framework may hang.

    Args:
        number: how many processes, at least 1.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []
        self._free: deque[int] = deque()
        self._memory: Any = None
        self._slot_bytes = self._slots = 0
        self._names: weakref.WeakKeyDictionary[Maker, int] = weakref.WeakKeyDictionary()
        self._next_name, self._next_request = count(), count()
        self._queued: list[int] = []
        self._under_way: dict[int, tuple[_Run, int, int]] = {}  # by request: the run, its step and the slot
        self._runs: list[_Run] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def batches(self, maker: Maker, epoch: int) -> Iterator[Made]:
        """The batches of an epoch, in order.

        Raises:
            LabError: making a batch raised it.
            RuntimeError: a worker failed or died, or `close` was called before the last batch.
        """
        self._start(4 * int(np.prod(maker.batch_shape)))
        run = _Run(maker, epoch)
        self._runs.append(run)
        try:
            for step in range(maker.steps):
                images, answer = self._next(run, step)
                if not isinstance(answer, tuple):
                    if isinstance(images, int):
                        self._free.append(images)
                    raise answer if isinstance(answer, LabError) else RuntimeError(f"a data worker failed:\n{answer}")
                yield self._delivered(images, answer, maker)
        finally:
            if run in self._runs:
                self._runs.remove(run)
            self._free.extend(slot for slot, _ in run.done.values() if isinstance(slot, int))

    def close(self) -> None:
        """End the processes; batches that an array still refers to stay as they are."""
        for pipe in self._pipes:
            pipe.close()  # a worker that waits for work ends when its pipe does
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.terminate()
                process.join()
        self._processes, self._pipes, self._free = [], [], deque()
        self._runs, self._under_way, self._queued = [], {}, [0] * self.number
        self._names.clear()

    def _start(self, slot_bytes: int) -> None:
        """Start workers whose slots are large enough, unless they run; open runs keep their batches and continue."""
        if self._processes and slot_bytes <= self._slot_bytes:
            return
        while self._under_way:
            self._receive()
        for run in self._runs:
            self._give_up_slots(run)
        runs = self._runs
        self.close()
        self._runs = runs
        context = multiprocessing.get_context("spawn")
        slots = self.number + max(_SPARE, min(_AHEAD * self.number, _ROOM // slot_bytes))
        self._slot_bytes, self._slots = slot_bytes, slots
        # The memory lies in a file that has no name any more, so that nothing is left behind however this ends.
        self._memory = context.RawArray(ctypes.c_char, slots * slot_bytes)
        self._free = deque(range(slots))
        for _ in range(self.number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, self._memory, slot_bytes), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)

    def _next(self, run: _Run, step: int) -> tuple[int | NDArray[np.float32], Answer]:
        """Wait for the answer to a step of a run, and send the workers as many further steps as there are slots."""
        while True:
            if run not in self._runs:
                raise RuntimeError("the data workers were ended before the last batch of an epoch")
            while self._free and run.sent < run.maker.steps and min(self._queued) < _QUEUED:
                self._request(run)
            if step in run.done:
                return run.done.pop(step)
            if self._under_way:
                self._receive()
            else:  # finished batches, which no loop has asked for yet, hold every slot
                for other in self._runs:
                    self._give_up_slots(other)

    def _request(self, run: _Run) -> None:
        """Send the next step of a run to the worker with the fewest steps to do."""
        name = self._known(run.maker)
        worker, request, slot = self._queued.index(min(self._queued)), next(self._next_request), self._free.popleft()
        self._under_way[request] = run, run.sent, slot
        self._queued[worker] += 1
        self._send(worker, (name, request, run.epoch, run.sent, slot))
        run.sent += 1

    def _receive(self) -> None:
        """Wait for an answer, then hand each answer that has arrived to its run."""
        for ready in wait(self._pipes):
            worker = self._pipes.index(ready)  # type: ignore[arg-type]
            try:
                request, answer = self._pipes[worker].recv()
            except (EOFError, OSError):
                raise self._death(worker) from None
            self._queued[worker] -= 1
            run, step, slot = self._under_way.pop(request)
            if run in self._runs:
                run.done[step] = slot, answer
            else:  # the loop has left this run
                self._free.append(slot)

    def _give_up_slots(self, run: _Run) -> None:
        """Copy the finished batches of a run out of the shared memory, so that their slots are free."""
        for step, (slot, answer) in run.done.items():
            if isinstance(slot, int):
                kept = self._images(slot, answer[0] if isinstance(answer, tuple) else 0, run.maker)[1].copy()
                run.done[step] = kept, answer
                self._free.append(slot)

    def _known(self, maker: Maker) -> int:
        """Return the number of a maker; the workers are sent a new maker, and drop those that no longer exist."""
        if maker not in self._names:
            self._names[maker] = next(self._next_name)
            message = pickle.dumps(maker), list(self._names.values())
            for worker in range(self.number):
                self._send(worker, (self._names[maker], *message))
        return self._names[maker]

    def _send(self, worker: int, message: tuple[Any, ...]) -> None:
        try:
            self._pipes[worker].send(message)
        except OSError:
            raise self._death(worker) from None

    def _death(self, worker: int) -> RuntimeError:
        """Make the error for a worker that has died, and end the other workers."""
        process = self._processes[worker]
        process.join(5)
        code = process.exitcode
        self.close()
        end = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return RuntimeError(f"a data worker ended with {end}" + (", as when memory runs out" if code == -9 else ""))

    def _images(self, slot: int, amount: int, maker: Maker) -> tuple[Any, NDArray[np.float32]]:
        """Return the memory of a slot, and the images in it as an array that refers to this memory."""
        shape = (amount, *maker.batch_shape[1:])
        block = (ctypes.c_char * self._slot_bytes).from_buffer(self._memory, slot * self._slot_bytes)
        return block, np.frombuffer(memoryview(block), np.float32, int(np.prod(shape))).reshape(shape)

    def _delivered(
        self, slot: int | NDArray[np.float32], answer: tuple[int, NDArray[Any], tuple[str, ...]], maker: Maker
    ) -> Made:
        """Return a batch for the loop: a view of its slot, which is free when no reference to it is left, or a copy."""
        amount, labels, bad = answer
        if not isinstance(slot, int):
            return slot, labels, bad
        block, images = self._images(slot, amount, maker)
        waiting = sum(isinstance(other, int) for run in self._runs for other, _ in run.done.values())
        if self._slots - len(self._free) - len(self._under_way) - waiting > _HELD:
            images = images.copy()
            self._free.append(slot)
        else:
            weakref.finalize(block, self._free.append, slot).atexit = False
        return images, labels, bad


def _work(pipe: Connection, memory: Any, slot_bytes: int) -> None:
    """Make batches in a worker process, until `close` or the end of the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets the signal too, and ends its workers
    makers: dict[int, Maker] = {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            name, *message = pipe.recv()
            if len(message) == 2:
                content, alive = message
                makers = {key: value for key, value in makers.items() if key in alive}
                makers[name] = pickle.loads(content)
            else:
                request, epoch, step, slot = message
                pipe.send((request, _made(makers[name], epoch, step, slot, memory, slot_bytes)))


def _made(maker: Maker, epoch: int, step: int, slot: int, memory: Any, slot_bytes: int) -> Answer:
    """Make the batch of a step in its slot of the shared memory, and return the answer for the parent."""
    try:
        size = int(np.prod(maker.batch_shape))
        out = np.frombuffer(memory, np.float32, size, slot * slot_bytes).reshape(maker.batch_shape)
        images, labels, bad = maker.make(epoch, step, out)
        return len(images), labels, bad
    except LabError as error:
        return error
    except Exception:
        return traceback.format_exc()
