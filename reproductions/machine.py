"""The machine card: what the numbers were measured on, without host or user names. No framework is imported."""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import platform
import re
import sys
from pathlib import Path


def describe() -> dict[str, object]:
    """Return the card; keys are stable, a value that the system does not tell is None."""
    card = {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores_online": os.cpu_count(),
        "cores_allowed": _allowed_cores(),
        "vector_extensions": _vector_extensions(),
        "memory_gib": round(_memory_bytes() / 2**30, 1) if _memory_bytes() else None,
        "virtual_machine": "hypervisor" in _cpuinfo("flags"),
        "frequency_governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "transparent_huge_pages": _chosen(_read("/sys/kernel/mm/transparent_hugepage/enabled")),
        "gpus": _gpus(),
        "system": f"{platform.system()} {platform.release()}",
        "distribution": _distribution(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "python": platform.python_version(),
        "pressure_recorded": pressure() is not None,
    }
    return {"machine": identifier(card), **card}


def identifier(card: dict[str, object]) -> str:
    """Return a short name from the hardware alone: the same machine keeps it across updates of its software."""
    parts = [card[key] for key in ("processor", "architecture", "cores_online")] + [_installed_gib(card["memory_gib"])]
    parts.append([gpu["name"] for gpu in card["gpus"]])
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:6]
    word = re.sub(r"[^a-z0-9]+", "-", str(card["processor"] or "unknown").lower()).strip("-")[:24].strip("-")
    return f"{word}-{card['cores_online']}c-{digest}"


def _installed_gib(visible: float | None) -> float | None:
    """Return the memory that is installed, in GiB, from what the system shows of it.

    A kernel keeps some for itself, another release a little more: 24 GiB were once shown as 23.6 and once as 23.5. So
    it is rounded up to a sixteenth to an eighth of it: 7.7 becomes 8, 23.5 becomes 24, 125.6 becomes 128.
    """
    if not visible:
        return None
    step = 2.0 ** (math.floor(math.log2(visible)) - 3)
    return math.ceil(visible / step) * step


def pressure() -> float | None:
    """Return the total seconds in which some process waited for a CPU since boot (Linux PSI), or None."""
    match = re.search(r"^some .*total=(\d+)", _read("/proc/pressure/cpu") or "", re.M)
    return int(match[1]) / 1e6 if match else None


def _processor() -> str | None:
    names = _cpuinfo("model name") or [platform.processor() or None]
    return names if isinstance(names, str) else names[0]


def _cpuinfo(key: str) -> str:
    match = re.search(rf"^{key}\s*:\s*(.+)$", _read("/proc/cpuinfo") or "", re.M)
    return match[1].strip() if match else ""


def _vector_extensions() -> list[str]:
    known = (
        "sse4_2",
        "avx",
        "avx2",
        "fma",
        "avx512f",
        "avx512_bf16",
        "avx512_vnni",
        "amx_bf16",
        "asimd",
        "sve",
        "bf16",
    )
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    return [name for name in known if name in flags]


def _allowed_cores() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return None


def _gpus() -> list[dict[str, object]]:
    """Ask the NVIDIA driver library itself: no framework, no command, nothing to install."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return []
    count, version = ctypes.c_int(), ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    driver.cuDriverGetVersion(ctypes.byref(version))
    found = []
    for index in range(count.value):
        device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
        driver.cuDeviceGet(ctypes.byref(device), index)
        driver.cuDeviceGetName(name, len(name), device)
        driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
        found.append(
            {
                "name": name.value.decode(),
                "memory_gib": round(memory.value / 2**30, 1),
                "driver_cuda": f"{version.value // 1000}.{version.value % 1000 // 10}",
            }
        )
    return found


def _chosen(text: str | None) -> str | None:
    match = re.search(r"\[(\w+)\]", text or "")
    return match[1] if match else text


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
