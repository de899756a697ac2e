"""Made-up measurements of usability in the shape of data/measurements, for tests that run no framework."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from reproductions.files import write_csv, write_json
from reproductions.usability import contact, metrics, programs, tasks
from reproductions.usability.faults import catalogue, commands
from reproductions.usability.faults.measuring import COLUMNS

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
DAY = "2026-11-22"


def write_measurements(folder: Path, machines=("example-cpu-2c", "other-cpu-8c"), everything=False) -> Path:
    """Write what machines would have left: programs, listings, faults, first contact; return the folder.

    everything  False: the faults were planted on the first machine alone
    """
    for number, machine in enumerate(machines):
        rng = np.random.default_rng(number)
        own = folder / machine
        write_csv(own / programs.TABLE, programs.COLUMNS, program_rows(machine, rng))
        texts = {task.id: {name: task.text(name) for name in tasks.PROGRAMS} for task in tasks.discover().values()}
        write_json(own / programs.LISTINGS, texts)
        if number == 0 or everything:
            write_csv(own / commands.TABLE, COLUMNS, fault_rows(machine, np.random.default_rng(7)))
        write_csv(own / contact.TABLE, contact.COLUMNS, contact_rows(machine, rng))
        write_json(own / "machine.json", {"machine": machine})
    return folder


def program_rows(machine: str, rng: np.random.Generator) -> list[dict]:
    """Real measures of the texts, made-up measures of the runs."""
    rows = []
    for task in tasks.discover().values():
        for program, framework in tasks.PROGRAMS.items():
            text = task.text(program)
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            common = {
                **{"machine": machine, "date": DAY, "size": "full", "task": task.id, "program": program},
                **{"framework": framework, "framework_version": f"{framework} 1.2", "status": "ok"},
                "origin": f"{task.id}/{program}.py sha256:{digest}",
            }
            for metric, value in metrics.of(text).items():
                rows.append(common | {"metric": metric, "value": value, "unit": metrics.UNITS[metric]})
            for metric, unit in programs.MEASURED.items():
                value = round(float(rng.uniform(1, 9)), 2)
                run = {
                    "metric": metric,
                    "value": value,
                    "low": value - 0.1,
                    "high": value + 0.2,
                    "unit": unit,
                    "runs": 3,
                }
                rows.append(common | run)
            note = f"DeprecationWarning: {HOSTILE}"
            rows.append(common | {"metric": "warning", "value": 1, "unit": "times", "note": note})
            rows.append(common | {"metric": "distance", "value": 0.1, "unit": "tolerances"})
    return rows


def fault_rows(machine: str, rng: np.random.Generator) -> list[dict]:
    """Every fault as its fault.yaml expects it, with a made-up message."""
    rows = []
    for fault in catalogue.discover().values():
        for cell in catalogue.CELLS:
            framework, _, mode = cell.partition("-")
            row = dict.fromkeys(COLUMNS, "") | {"machine": machine, "date": DAY, "fault": fault.id, "kind": fault.kind}
            row |= {"framework": framework, "mode": mode}
            if cell in fault.not_applicable:
                rows.append(row | {"status": "not_applicable", "note": fault.not_applicable[cell]})
                continue
            outcome = dict(fault.expected[cell])
            digest = hashlib.sha256(fault.program(framework).read_bytes()).hexdigest()[:12]
            row |= {
                "status": "ran",
                "version": "1.2",
                "noticed": outcome["outcome"],
                "stage": outcome.get("stage", "never"),
            }
            row |= {"origin": f"{fault.id}/{framework}.py sha256:{digest}", "measure": fault.measure.what}
            row |= {"exception": outcome.get("exception", ""), "harm": "accuracy: 0.1 instead of 0.9"}
            if outcome["outcome"] in ("noticed", "warned"):
                message = f"{fault.id} in {cell}: {HOSTILE} " + "x" * int(rng.integers(0, 900))
                row |= {"message": message, "message_chars": len(message), "message_lines": 1, "frames": 9}
                row |= {"frames_below": int(rng.integers(0, 5)), "user_frames": 2, "seconds": 0.5}
                row |= {key: str(rng.choice(["yes", "no"])) for key in ("names_shape", "names_object", "names_remedy")}
                row |= {"line_in_traceback": str(rng.choice(["yes", "no", ""])), "places": "program.py:9"}
            elif outcome["outcome"] == "silent":
                found = str(rng.choice(["noticed", "shown", "silent", "silent", "unusable"]))
                row |= {"tools": "anomaly", "noticed_by_tools": found, "tools_message": HOSTILE}
            rows.append(row)
    return rows


def contact_rows(machine: str, rng: np.random.Generator) -> list[dict]:
    """Made-up values of first contact."""
    rows = []
    for package in contact.PACKAGES:
        common = {"machine": machine, "date": DAY, "framework": contact.FRAMEWORK[package], "subject": package}
        common |= {"version": "1.2", "status": "ok", "origin": contact.HERE}
        for metric, unit in (("installed_mib", "MiB"), ("import_wall_s", "s"), ("import_peak_mib", "MiB")):
            value = round(float(rng.uniform(2, 900)), 1)
            ends = {"low": value * 0.9, "high": value * 1.1, "runs": 5}
            rows.append(common | {"metric": metric, "value": value, "unit": unit} | ends)
        subject = {"torch": "pytorch"}.get(package, package)
        step = {
            "subject": subject,
            "metric": "first_step_s",
            "value": 3.4,
            "low": 3.1,
            "high": 4.0,
            "runs": 5,
            "unit": "s",
        }
        rows.append(common | step)
        release = {"metric": "newest_release", "value": "1.2.0", "unit": "version", "origin": contact.REGISTRY}
        rows.append(common | release)
    rows.append(rows[0] | {"metric": "install_s", "value": "", "unit": "", "status": "not_run", "note": HOSTILE})
    return rows
