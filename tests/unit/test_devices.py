"""Energy, clocks and strangers on the GPU: recorded shapes are read, what is closed says why."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reproductions import devices
from reproductions.devices import EnergyMeter, Nvml

FIXTURES = Path(__file__).parents[1] / "fixtures" / "devices"


def test_gpus_are_read_and_what_a_device_does_not_tell_is_none():
    busy, idle, old = devices.parse_gpus((FIXTURES / "gpus.csv").read_text())
    assert (busy.memory_used_mib, busy.sm_mhz, busy.power_w) == (61423, 1980, 412.37)
    assert busy.throttled == ("sw_power_cap",)
    assert idle.throttled == (), "nothing to do is no slowdown"
    assert (old.sm_mhz, old.power_w, old.throttled) == (None, None, None)


def test_processes_are_read_without_their_names():
    processes = devices.parse_processes((FIXTURES / "processes.csv").read_text())
    assert [(p.pid, p.memory_mib) for p in processes] == [(41213, 60110), (41377, None)]
    assert "python" not in repr(processes)


@pytest.mark.parametrize("text", ["0, GPU-1, name", "No devices were found"])
def test_other_output_is_an_error_that_shows_the_line(text):
    with pytest.raises(ValueError, match="nvidia-smi"):
        devices.parse_gpus(text)


def test_throttle_reasons_by_name_and_unknown_bits_kept():
    assert devices.throttle_reasons(0) == ()
    assert devices.throttle_reasons(0x68) == ("hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown")
    assert devices.throttle_reasons(0x1004) == ("sw_power_cap", "unknown_0x1000")


def smi(tmp_path, body):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_command_is_asked_for_the_fields_it_is_parsed_by(tmp_path):
    program = smi(tmp_path, f'echo "$@" >{tmp_path}/asked; cat {FIXTURES}/gpus.csv')
    assert len(devices.gpus(program).found) == 3
    assert f"--query-gpu={','.join(devices.GPU_FIELDS)}" in (tmp_path / "asked").read_text()


def test_newer_name_of_the_reasons_is_tried(tmp_path):
    body = (
        'case "$1" in *clocks_throttle*) '
        'echo "Field \\"clocks_throttle_reasons.active\\" is not a valid field to query."; exit 2;; esac; '
        f"cat {FIXTURES}/gpus.csv"
    )
    assert len(devices.gpus(smi(tmp_path, body)).found) == 3


def test_missing_driver_is_a_reason_not_an_error(tmp_path):
    assert devices.gpus("nvidia-smi-that-is-not-there") == ((), "nvidia-smi-that-is-not-there is not installed")
    broken = smi(tmp_path, "echo 'NVIDIA-SMI has failed because it could not communicate with the driver.'; exit 9")
    assert "could not communicate" in devices.gpus(broken).reason
    assert "cannot be loaded" in Nvml("libnvidia-ml-not-there.so").reason
    assert devices.foreign_gpu_processes((), Nvml("no.so"), broken).reason


def test_own_processes_on_the_gpu_are_not_foreign(tmp_path):
    child = subprocess.Popen(["sleep", "30"])
    try:
        lines = "".join(f"GPU-1, {pid}, 10, python\\n" for pid in (os.getpid(), child.pid, os.getppid()))
        program = smi(tmp_path, f"printf '{lines}'")
        found = devices.foreign_gpu_processes((), Nvml("no.so"), program).found
        assert [process.pid for process in found] == [os.getppid()]
        assert devices.foreign_gpu_processes({os.getppid()}, Nvml("no.so"), program) == ((), "")
    finally:
        child.kill()
        child.wait()


def test_ids_of_another_namespace_accuse_nobody(tmp_path):
    program = smi(tmp_path, "echo 'GPU-1, 4194300, 10, python'")
    assert "another namespace" in devices.foreign_gpu_processes((), Nvml("no.so"), program).reason


# -- the library -----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler to build the stand-in for the driver's library")
    path = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", path, FIXTURES / "nvml.c"], check=True)
    return str(path)


def test_library_is_asked_through_its_own_calls(library, monkeypatch):
    monkeypatch.setenv("FAKE_NVML_PID", str(os.getppid()))
    nvml = Nvml(library)
    assert (nvml.reason, len(nvml.devices)) == ("", 2)
    assert (nvml.power_w(0), nvml.sm_mhz(0), nvml.throttled(0)) == (
        412.37,
        1980,
        ("sw_power_cap", "sw_thermal_slowdown"),
    )
    assert nvml.throttled(1) == () and nvml.energy_j(1) is None
    processes = nvml.processes().found
    assert len(processes) == 10 and (processes[0].memory_mib, processes[1].memory_mib) == (512, None)
    assert os.getppid() in {process.pid for process in devices.foreign_gpu_processes((), nvml).found}


def test_library_that_refuses_says_why(library, monkeypatch):
    monkeypatch.setenv("FAKE_NVML_INIT", "4")
    assert Nvml(library).reason == "NVML: no permission"


def test_energy_of_a_gpu_is_counted_and_a_gpu_that_does_not_count_is_named(library, tmp_path):
    meter = EnergyMeter(tmp_path, (0, 1, 2), Nvml(library))
    assert meter.sources == ("gpu 0",)
    assert "gpu 1 does not count its energy" in meter.reason and "no GPU 2" in meter.reason
    before = meter.read()
    after = meter.read()
    assert meter.joules(before, after._replace(at_s=before.at_s + 2)) == 2.5
    assert meter.joules(before, after) is None, "shorter than the counter's own steps"


# -- RAPL ------------------------------------------------------------------------------------------------------------
def domain(root, folder, name, energy, span=262143328850):
    path = root / folder
    path.mkdir()
    for file, value in (("name", name), ("energy_uj", energy), ("max_energy_range_uj", span)):
        (path / file).write_text(f"{value}\n")
    return path / "energy_uj"


def test_packages_and_memory_are_summed_and_parts_are_not_counted_twice(tmp_path):
    package = domain(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    core = domain(tmp_path, "intel-rapl:0:0", "core", 5)
    memory = domain(tmp_path, "intel-rapl:0:1", "dram", 2_000_000)
    domain(tmp_path, "intel-rapl:1", "psys", 7)
    domain(tmp_path, "intel-rapl-mmio:0", "package-0", 9)
    meter = EnergyMeter(tmp_path)
    assert sorted(meter.sources) == ["dram", "package-0"] and meter.reason == ""
    before = meter.read()
    package.write_text("4500000\n")
    memory.write_text("2250000\n")
    core.write_text("900000000\n")
    assert meter.joules(before, meter.read()._replace(at_s=before.at_s + 1)) == pytest.approx(3.75)


def test_counter_that_starts_again_is_continued(tmp_path):
    package = domain(tmp_path, "intel-rapl:0", "package-0", 9_000_000, span=10_000_000)
    meter = EnergyMeter(tmp_path)
    before = meter.read()
    package.write_text("500000\n")
    assert meter.joules(before, meter.read()._replace(at_s=before.at_s + 1)) == pytest.approx(1.5)


def test_energy_that_only_root_may_read_says_so(tmp_path, monkeypatch):
    domain(tmp_path, "intel-rapl:0", "package-0", 1)
    real = os.open

    def refuse(path, *rest, **more):  # file modes mean nothing to root, who may be running this
        if Path(path).name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    meter = EnergyMeter(tmp_path)
    assert meter.sources == () and "permission denied, only root may read it" in meter.reason
    assert meter.joules(meter.read(), meter.read()) is None


def test_machine_without_counters_says_so(tmp_path):
    assert EnergyMeter(tmp_path / "none").reason == "the kernel offers no energy counters (powercap)"


# -- clocks ------------------------------------------------------------------------------------------------------------
def test_fastest_core_tells_the_clock_and_cpuinfo_stands_in(tmp_path):
    assert devices.frequency_mhz(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("cpu MHz\t\t: 2596.148\ncpu MHz\t\t: 1200.000\n")
    assert devices.frequency_mhz(tmp_path) == 2596.148
    for core, khz in ((0, 1200000), (1, 3400000)):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{khz}\n")
    assert devices.frequency_mhz(tmp_path) == 3400.0


def test_description_names_no_process_and_no_path(tmp_path, library, monkeypatch):
    monkeypatch.setenv("FAKE_NVML_PID", str(os.getppid()))
    told = devices.describe(tmp_path, smi(tmp_path, f"cat {FIXTURES}/gpus.csv"), library)
    assert told["foreign_gpu_processes"] == 10 and told["energy_sources"] == ["gpu 0"]
    assert str(tmp_path) not in str(told) and len(told["gpus_now"]) == 3
