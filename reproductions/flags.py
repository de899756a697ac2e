"""Marks on a measured block: what disturbed it, or shows that it did not measure what its name says.

A mark never removes a block. Every threshold below is a share of the block that a reader of a ratio would notice, so
a marked block may be good and an unmarked one is not far off. :class:`Sampler` reads what the marks need just before
and just after a block, on descriptors that stay open: on two cores 4 us for the pressure and the idle time together,
where opening and parsing the same two files takes 45 us, and /proc/stat alone takes 7 us and grows with the number of
cores and interrupt lines. The busy time of the machine is therefore what /proc/uptime leaves: cores times elapsed
time, less the idle time.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

CONTENTION, FREQUENCY, PAGE_FAULTS = "contention", "frequency", "page_faults"
NO_OP_MODE, RECOMPILED = "no_op_mode", "recompiled"
#: Every mark, in the order in which they are written.
FLAGS = (CONTENTION, FREQUENCY, PAGE_FAULTS, NO_OP_MODE, RECOMPILED)

#: Share of the block in which some process waited for a CPU (Linux PSI, "some"). The page calls the machine busy above
#: the same share; a tenth of waiting can move a wall time by a tenth.
PRESSURE_SHARE = 0.10
#: Involuntary switches a second. A rival on the same core takes it back once a time slice, and the kernel's slices are
#: 0.7 to 10 ms: a hundred a second and more. The kernel's own threads cause a few.
SWITCHES_PER_S = 50.0
#: Fewer switches than this say nothing: a block of a few milliseconds can catch one or two by chance.
LEAST_SWITCHES = 5
#: Share of the machine's capacity that others used. On two cores one foreign core is a half; on a hundred cores one
#: core of another user stays below, and is seen by the two signs above if it gets in the way.
FOREIGN_SHARE = 0.10
#: The idle time is counted in ticks of 10 ms: below twenty ticks the foreign share is noise and is not judged.
LEAST_SECONDS = 0.2
#: Change of the processor's clock that changes a time by as much; twice the 3 % that two measurements may differ by.
FREQUENCY_CHANGE = 0.05
#: What a minor fault costs: 24 to 36 ms for 7,700 to 13,000 faults of a training step (glibc giving memory back).
FAULT_US = 3.0
#: Faults beyond the cell's usual number are a storm if they cost this share of a step and are more than doubled.
FAULT_SHARE = 0.05
FAULT_GROWTH = 2.0


class Observation(NamedTuple):
    """The machine at one moment; None where the system does not tell.

    at_s        monotonic clock, seconds
    waited_s    seconds since boot in which some process waited for a CPU
    idle_s      idle seconds of all cores together since boot, in ticks of 10 ms
    mhz         clock of the core that this thread runs on, MHz
    """

    at_s: float
    waited_s: float | None = None
    idle_s: float | None = None
    mhz: float | None = None


@dataclass(frozen=True)
class Block:
    """What a block itself reported; None where it is not known.

    wall_s, cpu_s         duration, and CPU time of the process with its children, seconds
    steps                 steps timed
    cores                 cores online
    minor_faults          page faults without disk, of the whole block
    involuntary_switches  times the process was put off a core, of the whole block
    usual_faults          median minor faults a step of the cell's blocks (the others of its session)
    usual_mhz             median clock of the cell's blocks; None compares with the observation before the block
    compiled              number of compiled or traced graphs before and after the timed region
    captured              operations or graphs that the mode captured in all; None where the mode compiles nothing
    throttled             reasons a GPU gave for lower clocks, see :func:`reproductions.devices.throttle_reasons`
    foreign_on_gpu        number of other processes on the GPU
    """

    wall_s: float
    cpu_s: float
    steps: int = 1
    cores: int = 1
    minor_faults: int = 0
    involuntary_switches: int = 0
    usual_faults: float | None = None
    usual_mhz: float | None = None
    compiled: tuple[int | None, int | None] = (None, None)
    captured: int | None = None
    throttled: Sequence[str] = ()
    foreign_on_gpu: int = 0


def mark(before: Observation, after: Observation, block: Block) -> tuple[str, ...]:
    """Return the marks of a block in the order of :data:`FLAGS`; an empty tuple if nothing was seen."""
    found = {
        CONTENTION: contended(before, after, block),
        FREQUENCY: frequency_changed(before, after, block),
        PAGE_FAULTS: page_fault_storm(block),
        NO_OP_MODE: block.captured == 0,
        RECOMPILED: None not in block.compiled and block.compiled[0] != block.compiled[1],
    }
    return tuple(name for name in FLAGS if found[name])


def contended(before: Observation, after: Observation, block: Block) -> bool:
    """Tell whether others took so much of the machine that the block's times are in doubt."""
    pressure, foreign = pressure_share(before, after), foreign_share(before, after, block)
    switches = block.involuntary_switches
    return (
        (pressure is not None and pressure > PRESSURE_SHARE)
        or (foreign is not None and foreign > FOREIGN_SHARE)
        or (switches >= LEAST_SWITCHES and switches > SWITCHES_PER_S * block.wall_s)
        or block.foreign_on_gpu > 0
    )


def pressure_share(before: Observation, after: Observation) -> float | None:
    """Return the share of the time between the observations in which some process waited for a CPU, 0 to 1."""
    if before.waited_s is None or after.waited_s is None or after.at_s <= before.at_s:
        return None
    return min(1.0, max(0.0, (after.waited_s - before.waited_s) / (after.at_s - before.at_s)))


def foreign_share(before: Observation, after: Observation, block: Block) -> float | None:
    """Return the share of the machine's capacity that other processes used, 0 to 1, or None if it cannot be told.

    Time in which a core waited for a disk or was taken by the hypervisor counts as foreign: it was not ours.
    """
    elapsed = after.at_s - before.at_s
    if before.idle_s is None or after.idle_s is None or elapsed < LEAST_SECONDS:
        return None
    capacity = block.cores * elapsed
    return min(1.0, max(0.0, (capacity - (after.idle_s - before.idle_s) - block.cpu_s) / capacity))


def frequency_changed(before: Observation, after: Observation, block: Block) -> bool:
    """Tell whether the processor ran at another clock than usual, or a GPU lowered its clocks.

    A core that has just waited is slow on many machines, so the clock after a block counts, against the cell's usual.
    """
    usual = block.usual_mhz or before.mhz
    changed = bool(usual and after.mhz) and abs(after.mhz / usual - 1) > FREQUENCY_CHANGE
    return changed or bool(block.throttled)


def page_fault_storm(block: Block) -> bool:
    """Tell whether a step's page faults, beyond the cell's usual number, cost more than a twentieth of its time."""
    if block.usual_faults is None:
        return False
    faults = block.minor_faults / block.steps
    cost_s = (faults - block.usual_faults) * FAULT_US / 1e6
    return faults > FAULT_GROWTH * block.usual_faults and cost_s > FAULT_SHARE * block.cpu_s / block.steps


class Sampler:
    """Observes the machine at a cost of a few microseconds; files are opened once and read in place.

    Make one a process, after a fork if there is one; :meth:`close` gives the descriptors back. What a system does not
    offer is None in every observation, never an error.
    """

    def __init__(self) -> None:
        self._pressure = _open("/proc/pressure/cpu")
        self._uptime = _open("/proc/uptime")
        self._clocks: dict[int, int | None] = {}
        self._core = _current_core()

    def observe(self) -> Observation:
        """Return the machine's state now."""
        return Observation(time.perf_counter(), self._waited(), self._idle(), self._mhz())

    def close(self) -> None:
        """Close the files; later observations are empty."""
        for handle in (self._pressure, self._uptime, *self._clocks.values()):
            if handle is not None:
                os.close(handle)
        self._pressure = self._uptime = self._core = None
        self._clocks = {}

    def _waited(self) -> float | None:
        if self._pressure is None:
            return None
        try:
            text = os.pread(self._pressure, 128, 0)
            start = text.index(b"total=") + 6  # the first line is "some"
            return int(text[start : text.index(b"\n", start)]) / 1e6
        except (OSError, ValueError):
            return None

    def _idle(self) -> float | None:
        if self._uptime is None:
            return None
        try:
            return float(os.pread(self._uptime, 64, 0).split()[1])
        except (OSError, ValueError, IndexError):
            return None

    def _mhz(self) -> float | None:
        if self._core is None:
            return None
        core = self._core()
        if core not in self._clocks:
            self._clocks[core] = _open(f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")
        handle = self._clocks[core]
        if handle is None:
            return None
        try:
            return int(os.pread(handle, 32, 0)) / 1e3
        except (OSError, ValueError):
            return None


def _open(path: str) -> int | None:
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _current_core():
    """Return a function that tells the core this thread runs on, or None where the C library has none."""
    try:
        return ctypes.CDLL(None).sched_getcpu
    except (OSError, AttributeError, TypeError):
        return None
