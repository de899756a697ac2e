"""Energy, clocks and strangers on the GPU, asked of the system itself: no framework is imported.

Three sources, each of which may be absent or closed to this user: the kernel's RAPL counters (processor and memory),
the NVIDIA management library through ctypes (a package for it would be one more thing to install), and the command
``nvidia-smi`` where the library cannot be loaded. Nothing here raises because a source is missing: the answer is then
empty and says why (:attr:`EnergyMeter.reason`, :class:`Answer`).

Cost of a call, so that a caller can choose where to make it: :meth:`EnergyMeter.read` a few microseconds and once more
for each GPU, once a block; :func:`frequency_mhz` one microsecond where the kernel has cpufreq, else ten;
:func:`foreign_gpu_processes` tens of microseconds through the library and about a second through ``nvidia-smi``, once
a round.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import subprocess
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

POWERCAP = Path("/sys/class/powercap")
LIBRARY = "libnvidia-ml.so.1"
#: Domains whose sum is the machine's processors and memory. Cores and uncore are parts of a package, psys holds both.
DOMAINS = re.compile(r"^(package-\d+|dram)$")
#: RAPL counts are renewed about every millisecond: below fifty of them the share of the last one shows.
LEAST_SECONDS_CPU = 0.05
#: A GPU's energy count is renewed every 20 to 100 ms (PETSc manual page PetscLogGpuEnergyMeter).
LEAST_SECONDS_GPU = 1.0

#: Bits of nvmlClocksEventReasons (NVML API reference, R525 to R575). The first means that the GPU had nothing to do,
#: the second and the ninth that someone has set the clocks: neither is a slowdown during a block.
REASONS = {
    0x001: "gpu_idle",
    0x002: "applications_clocks_setting",
    0x004: "sw_power_cap",
    0x008: "hw_slowdown",
    0x010: "sync_boost",
    0x020: "sw_thermal_slowdown",
    0x040: "hw_thermal_slowdown",
    0x080: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
}
HARMLESS = {"gpu_idle", "applications_clocks_setting", "display_clock_setting"}

#: Queries of nvidia-smi; the order of the fields is the order of the parsed columns.
GPU_FIELDS = (
    "index",
    "uuid",
    "name",
    "driver_version",
    "memory.used",
    "memory.total",
    "clocks.sm",
    "clocks.mem",
    "power.draw",
    "temperature.gpu",
    "clocks_throttle_reasons.active",
)
PROCESS_FIELDS = ("gpu_uuid", "pid", "used_memory", "process_name")


class Answer(NamedTuple):
    """What was found, and why it is empty where nothing could be asked."""

    found: tuple
    reason: str = ""


@dataclass(frozen=True)
class Gpu:
    """One GPU at one moment; None where it does not tell (``[N/A]``)."""

    index: int
    uuid: str
    name: str
    driver: str
    memory_used_mib: int | None
    memory_total_mib: int | None
    sm_mhz: int | None
    memory_mhz: int | None
    power_w: float | None
    temperature_c: int | None
    throttled: tuple[str, ...] | None


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU. Its name stays out: it may say who works here."""

    gpu: str
    pid: int
    memory_mib: int | None


# -- nvidia-smi ----------------------------------------------------------------------------------------------------
def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Parse ``nvidia-smi --query-gpu=GPU_FIELDS --format=csv,noheader,nounits``; raises ValueError naming the line."""
    return tuple(_gpu(line) for line in text.splitlines() if line.strip())


def _gpu(line: str) -> Gpu:
    values = [value.strip() for value in line.split(",")]
    if len(values) != len(GPU_FIELDS):
        raise ValueError(f"nvidia-smi: {len(values)} values where {len(GPU_FIELDS)} were asked for: {line!r}")
    index, uuid, name, driver, *numbers, reasons = values
    used, total, sm, memory, power, temperature = map(_number, numbers)
    return Gpu(
        int(index),
        uuid,
        name,
        driver,
        _whole(used),
        _whole(total),
        _whole(sm),
        _whole(memory),
        power,
        _whole(temperature),
        throttle_reasons(int(reasons, 16)) if reasons.lower().startswith("0x") else None,
    )


def parse_processes(text: str) -> tuple[GpuProcess, ...]:
    """Parse ``nvidia-smi --query-compute-apps=PROCESS_FIELDS --format=csv,noheader,nounits``."""
    found = []
    for line in text.splitlines():
        values = [value.strip() for value in line.split(",", len(PROCESS_FIELDS) - 1)]
        if len(values) == len(PROCESS_FIELDS) and values[1].isdigit():
            found.append(GpuProcess(values[0], int(values[1]), _whole(_number(values[2]))))
        elif line.strip():
            raise ValueError(f"nvidia-smi: not a line about a process: {line!r}")
    return tuple(found)


def _number(text: str) -> float | None:
    """Return the number, or None for ``[N/A]``, ``[Not Supported]``, ``[Insufficient Permissions]`` and the like."""
    try:
        return float(text)
    except ValueError:
        if text.startswith("[") or text in ("N/A", ""):
            return None
        raise ValueError(f"nvidia-smi: {text!r} is neither a number nor a reason why there is none") from None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def throttle_reasons(bits: int) -> tuple[str, ...]:
    """Return the names of the reasons that lowered the clocks, harmless ones left out, unknown bits as hexadecimal."""
    known = [name for bit, name in REASONS.items() if bits & bit and name not in HARMLESS]
    rest = bits & ~sum(REASONS)
    return (*known, f"unknown_{rest:#x}") if rest else tuple(known)


def ask_smi(query: str, fields: Sequence[str], program: str = "nvidia-smi", timeout_s: float = 20) -> tuple[str, str]:
    """Return (output, reason): the command's CSV for ``--query-<query>``, or an empty text and why there is none."""
    command = [program, f"--query-{query}={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except FileNotFoundError:
        return "", f"{Path(program).name} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{Path(program).name}: {type(error).__name__}"
    if done.returncode:
        words = (done.stdout.strip() or done.stderr.strip()).splitlines()
        return "", f"{Path(program).name}: {words[0] if words else f'exit code {done.returncode}'}"
    return done.stdout, ""


def gpus(program: str = "nvidia-smi") -> Answer:
    """Return every NVIDIA GPU as ``nvidia-smi`` sees it now."""
    text, reason = ask_smi("gpu", GPU_FIELDS, program)
    if "not a valid field" in reason:  # drivers that know the reasons by their new name alone
        text, reason = ask_smi("gpu", (*GPU_FIELDS[:-1], "clocks_event_reasons.active"), program)
    return Answer(parse_gpus(text), reason)


def foreign_gpu_processes(own: Collection[int] = (), nvml: Nvml | None = None, program: str = "nvidia-smi") -> Answer:
    """Return the processes on any GPU that are not ``own`` (process ids; this process and its children are added).

    Inside a container the driver may list ids of the host, or none at all; then ours cannot be told from theirs, and
    the answer says so instead of accusing our own.
    """
    nvml = nvml or Nvml()
    if nvml.reason:
        text, reason = ask_smi("compute-apps", PROCESS_FIELDS, program)
        found = parse_processes(text)
    else:
        found, reason = nvml.processes()
    if reason:
        return Answer((), reason)
    known = {os.getpid(), *own, *_descendants(os.getpid())}
    strangers = tuple(process for process in found if process.pid not in known)
    if strangers and not any(_alive(process.pid) for process in strangers):
        return Answer((), "the ids of the processes on the GPU belong to another namespace (a container)")
    return Answer(strangers)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _descendants(pid: int) -> set[int]:
    import psutil

    with contextlib.suppress(psutil.Error):
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return set()


# -- NVML ------------------------------------------------------------------------------------------------------------
class _Process(ctypes.Structure):
    """``nvmlProcessInfo_t`` of nvmlDeviceGetComputeRunningProcesses_v3."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


SUCCESS, INSUFFICIENT_SIZE = 0, 7
ERRORS = {1: "uninitialised", 2: "invalid argument", 3: "not supported", 4: "no permission", 9: "driver not loaded"}
SM_CLOCK = 1
UNKNOWN_MEMORY = 2**64 - 1


class Nvml:
    """The NVIDIA management library, or ``reason`` why it cannot be asked.

    Indices are NVML's: by PCI bus, like CUDA's with ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.
    """

    def __init__(self, library: str = LIBRARY):
        self.reason, self.devices = "", []
        try:
            self._library = ctypes.CDLL(library)
            code = self._library.nvmlInit_v2()
        except (OSError, AttributeError):
            self.reason = f"{Path(library).name} cannot be loaded: no NVIDIA driver"
            return
        if code != SUCCESS:
            self.reason = f"NVML: {ERRORS.get(code, f'error {code}')}"
            return
        count = self._get("nvmlDeviceGetCount_v2", ctypes.c_uint) or 0
        for index in range(count):
            device = ctypes.c_void_p()
            if self._library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)) == SUCCESS:
                self.devices.append(device)
        if not self.devices:
            self.reason = "NVML: no GPU that this user may ask"

    def _get(self, name: str, kind, *arguments):
        """Call a getter whose last argument is a pointer to the value; None if the device does not tell."""
        value = kind()
        function = getattr(self._library, name, None)
        if function is None or function(*arguments, ctypes.byref(value)) != SUCCESS:
            return None
        return value.value

    def energy_j(self, index: int) -> float | None:
        """Return the joules that a GPU has used since its driver was loaded (Volta and newer)."""
        found = self._get("nvmlDeviceGetTotalEnergyConsumption", ctypes.c_ulonglong, self.devices[index])
        return None if found is None else found / 1e3

    def power_w(self, index: int) -> float | None:
        """Return the power drawn now, in watts."""
        found = self._get("nvmlDeviceGetPowerUsage", ctypes.c_uint, self.devices[index])
        return None if found is None else found / 1e3

    def sm_mhz(self, index: int) -> int | None:
        """Return the clock of the multiprocessors, in MHz."""
        return self._get("nvmlDeviceGetClockInfo", ctypes.c_uint, self.devices[index], ctypes.c_uint(SM_CLOCK))

    def throttled(self, index: int) -> tuple[str, ...] | None:
        """Return what lowers the clocks now, see :func:`throttle_reasons`."""
        bits = self._get("nvmlDeviceGetCurrentClocksThrottleReasons", ctypes.c_ulonglong, self.devices[index])
        return None if bits is None else throttle_reasons(bits)

    def processes(self) -> Answer:
        """Return every computing process on every GPU."""
        found = []
        for index, device in enumerate(self.devices):
            count, places = ctypes.c_uint(0), None
            code = INSUFFICIENT_SIZE
            while code == INSUFFICIENT_SIZE:  # a process may have come since the last call
                places = (_Process * (count.value + 8))()
                count.value = len(places)
                function = getattr(self._library, "nvmlDeviceGetComputeRunningProcesses_v3", None)
                code = function(device, ctypes.byref(count), places) if function else 3
            if code != SUCCESS:
                return Answer((), f"processes on the GPU: {ERRORS.get(code, f'error {code}')}")
            for place in places[: count.value]:
                memory = None if place.memory == UNKNOWN_MEMORY else round(place.memory / 2**20)
                found.append(GpuProcess(str(index), place.pid, memory))
        return Answer(tuple(found))


# -- energy ----------------------------------------------------------------------------------------------------------
class Energy(NamedTuple):
    """Counters at one moment.

    at_s    monotonic clock, seconds
    cpu_uj  RAPL counters, microjoules, in the order of the meter's domains; None where reading failed
    gpu_j   joules of each GPU since its driver was loaded; None where it does not tell
    """

    at_s: float
    cpu_uj: tuple[int | None, ...]
    gpu_j: tuple[float | None, ...]


@dataclass(frozen=True)
class _Domain:
    name: str
    handle: int
    range_uj: int


class EnergyMeter:
    """Energy between two readings, of what this machine lets this user read.

    powercap  the kernel's folder of power domains
    gpus      indices of the GPUs that the measurement uses (by PCI bus); none on a CPU
    nvml      the management library; loaded only where ``gpus`` is not empty

    ``sources`` names what is counted (``package-0``, ``dram``, ``gpu 0``), ``reason`` says what is missing and why.
    The counters are the whole machine's: what other processes used is in them.
    """

    def __init__(self, powercap: Path = POWERCAP, gpus: Iterable[int] = (), nvml: Nvml | None = None):
        reasons, self._domains = [], []
        folders = sorted(powercap.glob("*rapl:*")) if powercap.is_dir() else []
        if not folders:
            reasons.append("the kernel offers no energy counters (powercap)")
        for folder in folders:
            try:
                self._add_domain(folder)
            except PermissionError:
                # Linux 5.10 closed them to ordinary users (CVE-2020-8694): fine-grained energy gives secrets away.
                reasons.append(f"{folder.name}/energy_uj: permission denied, only root may read it")
            except (OSError, ValueError) as error:
                reasons.append(f"{folder.name}: {type(error).__name__}")
        self._gpus = tuple(gpus)
        self._nvml = (nvml or Nvml()) if self._gpus else None
        if self._nvml is not None:
            self._gpus = tuple(index for index in self._gpus if self._counted(index, reasons))
        self.sources = (*(domain.name for domain in self._domains), *(f"gpu {index}" for index in self._gpus))
        self.reason = "; ".join(reasons)

    def _add_domain(self, folder: Path) -> None:
        name = (folder / "name").read_text(encoding="utf-8").strip()
        if not DOMAINS.match(name) or folder.name.startswith("intel-rapl-mmio"):  # the same package a second time
            return
        span = int((folder / "max_energy_range_uj").read_text(encoding="utf-8"))
        self._domains.append(_Domain(name, os.open(folder / "energy_uj", os.O_RDONLY | os.O_CLOEXEC), span))

    def _counted(self, index: int, reasons: list[str]) -> bool:
        if self._nvml.reason or index >= len(self._nvml.devices):
            reasons.append(self._nvml.reason or f"NVML: no GPU {index}")
        elif self._nvml.energy_j(index) is None:
            reasons.append(f"gpu {index} does not count its energy")
        else:
            return True
        return False

    def read(self) -> Energy:
        """Return the counters now; cheap enough to be called around every block."""
        return Energy(
            time.perf_counter(),
            tuple(_counter(domain.handle) for domain in self._domains),
            tuple(self._nvml.energy_j(index) for index in self._gpus),
        )

    def joules(self, before: Energy, after: Energy) -> float | None:
        """Return the energy between two readings in joules, or None if nothing is counted or the time is too short.

        A RAPL counter starts again from zero after its range (about an hour on a loaded server); it is assumed to do
        so once at most between two readings.
        """
        least = LEAST_SECONDS_GPU if self._gpus else LEAST_SECONDS_CPU
        if not self.sources or after.at_s - before.at_s < least:
            return None
        if None in (*before.cpu_uj, *after.cpu_uj, *before.gpu_j, *after.gpu_j):
            return None
        total = sum(two - one for one, two in zip(before.gpu_j, after.gpu_j, strict=True))
        for domain, one, two in zip(self._domains, before.cpu_uj, after.cpu_uj, strict=True):
            total += ((two - one) if two >= one else (two + domain.range_uj - one)) / 1e6
        return total

    def close(self) -> None:
        """Give the descriptors back; the meter then counts nothing."""
        for domain in self._domains:
            os.close(domain.handle)
        self._domains, self._gpus, self.sources = [], (), ()


def _counter(handle: int) -> int | None:
    try:
        return int(os.pread(handle, 32, 0))
    except (OSError, ValueError):
        return None


# -- clocks ------------------------------------------------------------------------------------------------------------
def frequency_mhz(root: Path = Path("/")) -> float | None:
    """Return the clock of the fastest core now, in MHz, or None. A virtual machine tells a constant at best."""
    found = []
    for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(path.read_text(encoding="utf-8")) / 1e3)
    if not found:
        with contextlib.suppress(OSError):
            text = (root / "proc/cpuinfo").read_text(encoding="utf-8")
            found = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text, re.M)]
    return max(found, default=None)


def describe(powercap: Path = POWERCAP, program: str = "nvidia-smi", library: str = LIBRARY) -> dict[str, object]:
    """Return what of energy, clocks and GPUs can be read on this machine, for the machine card: values or reasons."""
    nvml, smi = Nvml(library), gpus(program)
    meter = EnergyMeter(powercap, range(len(nvml.devices)), nvml)
    strangers = foreign_gpu_processes((), nvml, program) if nvml.devices or smi.found else Answer((), smi.reason)
    found = {
        "energy_sources": list(meter.sources),
        "energy_missing": meter.reason or None,
        "frequency_mhz": frequency_mhz(),
        "gpus_now": [
            {
                "name": gpu.name,
                "driver": gpu.driver,
                "memory_used_mib": gpu.memory_used_mib,
                "sm_mhz": gpu.sm_mhz,
                "power_w": gpu.power_w,
                "throttled": None if gpu.throttled is None else list(gpu.throttled),
            }
            for gpu in smi.found
        ],
        "gpus_missing": smi.reason or None,
        "foreign_gpu_processes": len(strangers.found) if not strangers.reason else None,
        "foreign_gpu_processes_missing": strangers.reason or None,
    }
    meter.close()
    return found
