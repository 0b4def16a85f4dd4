"""What a training will take, and as a table for people."""

from __future__ import annotations

import dataclasses
import statistics
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Component:
    """One of the networks, or some layers of one: how many parameters it has that are trained, and that are not."""

    name: str
    trained: int
    frozen: int


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """What a training will take.

    Attributes:
        settings: what was rehearsed, in words.
        components: the networks and their layers.
        step_flops: floating-point operations of a training step, all devices of this process together.
        memory_before: bytes of the process with everything built, before the first step; None where unknown.
        memory_peak: the most bytes of the process in the steps; None where unknown.
        device_memory_peak: the same of the fullest GPU; None without a GPU.
        seconds: of each timed step.
        iterations: of the whole training.
        notes: what else to know of the figures.
    """

    settings: str
    components: tuple[Component, ...]
    step_flops: int
    memory_before: Optional[int]
    memory_peak: Optional[int]
    device_memory_peak: Optional[int]
    seconds: tuple[float, ...]
    iterations: int
    notes: tuple[str, ...]

    @property
    def step_seconds(self) -> float:
        """The median step."""
        return statistics.median(self.seconds)

    @property
    def hours(self) -> float:
        """Of all iterations at that rate."""
        return self.iterations * self.step_seconds / 3600


def as_text(rehearsal: Rehearsal) -> str:
    """A rehearsal as a table."""
    components = [*rehearsal.components]
    components.append(Component("in all", sum(p.trained for p in components), sum(p.frozen for p in components)))
    rows = [("parameters", "trained", "frozen")]
    rows += [(f"  {component.name}", f"{component.trained:,}", f"{component.frozen:,}") for component in components]
    rows += [("operations", "", ""), ("  a training step", quantity(rehearsal.step_flops, "FLOP"), "")]
    rows += [("memory", "", "")]
    before, peak = rehearsal.memory_before, rehearsal.memory_peak
    if before is None or peak is None:
        rows.append(("  of the process", "not known", ""))
    else:
        rows += [
            ("  before the first step", _gibibytes(before), ""),
            ("  added by the steps", _gibibytes(peak - before), ""),
            ("  in all", _gibibytes(peak), ""),
        ]
    if rehearsal.device_memory_peak is not None:
        rows.append(("  of the fullest GPU", _gibibytes(rehearsal.device_memory_peak), ""))
    steps = len(rehearsal.seconds)
    rows += [
        ("time", "", ""),
        (f"  a step, median of {steps}", f"{rehearsal.step_seconds:.3g} s", ""),
        ("  rate", quantity(rehearsal.step_flops / rehearsal.step_seconds, "FLOP") + "/s", ""),
        (f"  {rehearsal.iterations:,} iterations", f"{rehearsal.hours:,.1f} hours", ""),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    return "\n".join([f"dry run: {rehearsal.settings}", "", *lines, "", *rehearsal.notes])


def quantity(value: float, unit: str) -> str:
    """A number of operations for people."""
    for prefix, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.0f} {unit}"


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"
