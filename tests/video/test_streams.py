"""Stages in threads: order, bounds, exceptions, and no thread that outlives its block."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time

import pytest
from threads import running_stages

from stmt_tf.video.threads import Latest, overlapped


class Fault(Exception):
    pass


class Stage:
    """Counts from 0; remembers how far it came, whether it was closed, and in which thread it ran."""

    def __init__(self, count, error=None):
        self.made, self.closed, self.thread = 0, False, None
        self._count, self._error = count, error

    def __call__(self):
        self.thread = threading.current_thread()
        try:
            while self.made < self._count:
                self.made += 1
                yield self.made - 1
            if self._error:
                raise self._error
        finally:
            self.closed = True


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert running_stages() == []


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("ahead", [1, 3, math.inf])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_every_item_comes_in_order_from_another_thread(count, ahead):
    stage = Stage(count)
    with overlapped(stage(), ahead) as items:
        assert list(items) == list(range(count))
    assert stage.closed and stage.thread is not threading.current_thread()


def test_the_stage_works_while_its_items_are_used_but_not_further_ahead_than_allowed():
    stage = Stage(100)
    with overlapped(stage(), ahead=3) as items:
        for taken in range(20):
            wait_until(lambda taken=taken: stage.made == taken + 3)
            time.sleep(0.002)
            assert stage.made == taken + 3
            assert next(items) == taken


def test_an_exception_of_the_stage_comes_after_the_items_before_it():
    stage, seen = Stage(3, Fault("of the stage")), []
    with pytest.raises(Fault, match="of the stage"), overlapped(stage()) as items:
        for item in items:
            seen.append(item)
    assert seen == [0, 1, 2] and stage.closed


@pytest.mark.parametrize("error", [Fault("of the taker"), SystemExit("interrupted"), KeyboardInterrupt()])
def test_an_exception_of_the_taker_ends_the_stage(error):
    stage = Stage(1000)
    with pytest.raises(type(error)), overlapped(stage()) as items:
        next(items)
        raise error
    assert stage.closed and stage.made <= 5


def test_leaving_early_ends_the_stage():
    stage = Stage(1000)
    with overlapped(stage()) as items:
        assert next(items) == 0
    assert stage.closed and stage.made <= 5


def test_of_stages_behind_each_other_all_end_and_the_first_fault_is_told():
    first = Stage(7, Fault("of the first"))

    def second():
        with overlapped(first()) as items:
            for item in items:
                yield 10 * item

    seen = []
    with pytest.raises(Fault, match="of the first"), overlapped(second()) as items:
        for item in items:
            seen.append(item)
    assert seen == [0, 10, 20, 30, 40, 50, 60] and first.closed

    endless = Stage(10**9)
    first = endless
    with pytest.raises(Fault, match="of the taker"), overlapped(second()) as items:
        next(items)
        raise Fault("of the taker")
    assert endless.closed


def test_the_latest_item_is_taken_and_those_missed_are_counted():
    gates = [threading.Semaphore(0), threading.Semaphore(0)]

    def gated():
        for item in range(7):
            if item in (3, 6):
                gates[item // 3 - 1].acquire()
            yield item

    with Latest(gated()) as items:
        wait_until(lambda: items.dropped == 2)
        assert next(items) == 2
        gates[0].release()
        wait_until(lambda: items.dropped == 4)
        assert next(items) == 5
        gates[1].release()
        assert next(items) == 6
        assert list(items) == []
    assert items.dropped == 4


def test_nothing_is_dropped_for_a_taker_who_waits():
    taken = threading.Semaphore(0)

    def patient():
        for i in range(5):
            yield i
            taken.acquire()

    seen = []
    with Latest(patient()) as items:
        for item in items:
            seen.append(item)
            taken.release()
    assert seen == [0, 1, 2, 3, 4] and items.dropped == 0


def test_the_last_item_before_a_fault_is_not_lost():
    with pytest.raises(Fault), Latest(Stage(3, Fault())()) as items:
        wait_until(lambda: items.dropped == 2)
        assert next(items) == 2
        next(items)


def test_leaving_ends_a_stage_that_never_waits():
    stage = Stage(10**9)
    with pytest.raises(Fault), Latest(stage()) as items:
        next(items)
        raise Fault
    assert stage.closed


@pytest.mark.parametrize("kind", ["overlapped", "Latest"])
def test_an_interrupt_ends_a_process_that_waits_for_a_stage(kind):
    code = f"""
import signal, sys, threading, time
from stmt_tf.video.threads import Latest, overlapped
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
def stage():
    try:
        yield 0
        while True:
            time.sleep(0.05)
            yield 1
    finally:
        print("closed", flush=True)
with {kind}(stage()) as items:
    for item in items:
        if item == 0:
            print("started", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "started\n"
    process.terminate()
    assert process.communicate(timeout=3600)[0] == "closed\n"
    assert process.returncode == 7
