"""Iterators that run in threads of their own, so that the stages of a pipeline work side by side.

TensorFlow, OpenCV, PyAV and MediaPipe let go of the interpreter while they work. A stage is a generator; each of these
context managers runs it in a thread for as long as its block lasts, and no longer: when the block ends, by itself or
by an exception, the thread has ended and the generator is closed. What a stage raises is raised to who takes its items.

    overlapped   hands over every item, in order; the stage waits when it is too far ahead (files)
    Latest       hands over the newest item; the stage never waits, and what nobody took in time is lost (live)
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Generic, Optional, TypeVar

Item = TypeVar("Item")


@contextlib.contextmanager
def overlapped(stage: Generator[Item, None, None], ahead: float = 2) -> Iterator[Iterator[Item]]:
    """Runs a generator in a thread, ahead of who takes its items.

    Example:
        >>> with overlapped(read_frames("in.mp4")) as frames:
        ...     for frame in frames:
        ...         work(frame)  # meanwhile the next frame is decoded

    Args:
        stage: makes the items.
        ahead: how many items may wait to be taken or be in the making, at least 1. After so many the stage waits until
            one is taken, also to end. `math.inf` lets it run to its end.
    """
    made: queue.SimpleQueue = queue.SimpleQueue()
    taken = threading.Semaphore(0)  # counted here, not by a bounded queue: its `put` could not be called off
    stopped = threading.Event()

    def work() -> None:
        error = None
        try:
            with contextlib.closing(stage):
                for number, item in enumerate(stage, 1):
                    made.put((True, item))
                    if number >= ahead:
                        taken.acquire()
                    if stopped.is_set():
                        return
        except BaseException as raised:
            error = raised
        made.put((False, error))

    def items() -> Iterator[Item]:
        while True:
            more, item = made.get()
            if not more:
                break
            taken.release()
            yield item
        if item is not None:
            raise item

    thread = threading.Thread(target=work, name="overlapped")
    thread.start()
    try:
        yield items()
    finally:
        stopped.set()
        taken.release()
        thread.join()


class Latest(Generic[Item]):
    """Runs a generator in a thread and iterates over whatever item is its newest; a context manager.

    An item is taken at most once. The last one before the generator's end or its exception is not lost.

    Args:
        stage: makes the items.

    Attributes:
        dropped: how many items nobody took before the next one came.
    """

    def __init__(self, stage: Generator[Item, None, None]):
        self.dropped = 0
        self._stage = stage
        self._changed = threading.Condition()
        self._newest: list[Item] = []  # one, or none
        self._error: Optional[BaseException] = None
        self._stopped = self._ended = False
        self._thread = threading.Thread(target=self._work, name="latest")

    def _work(self) -> None:
        error = None
        try:
            with contextlib.closing(self._stage):
                for item in self._stage:
                    with self._changed:
                        if self._stopped:
                            break
                        self.dropped += len(self._newest)
                        self._newest = [item]
                        self._changed.notify()
        except BaseException as raised:
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify()

    def __enter__(self) -> Latest[Item]:
        self._thread.start()
        return self

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._ended)
            if self._newest:
                return self._newest.pop()
            if self._error is not None:
                raise self._error
            raise StopIteration

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._stopped = True
        self._thread.join()
