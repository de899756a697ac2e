"""The parity ladder: is it the same computation on both sides, before any timing counts?

L0  the same trainable parameters: names, shapes, count
L1  the same logits and loss at the same weights and batch
L2  the same gradients, parameter by parameter
L3  twenty optimiser steps with the same loss and gradient norm at every step

Each side runs in its own process, in float64: there a wrong formula shows and rounding does not. In float32 one ReLU
unit within rounding of zero is on for one side and off for the other, which moves a gradient by a per cent and would
hide what is looked for. What is measured in float32 is then held against this trace, cell by cell, with tolerances for
rounding (:func:`check_mode`).

A difference is the largest absolute difference divided by the largest absolute value of the PyTorch side; it is
asserted against the tolerance that the workload's README justifies.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from reproductions.client import Runtime, Worker
from reproductions.errors import WorkerFailed
from reproductions.spec import Cell, Preset, Workload

log = logging.getLogger(__name__)
#: The mode that each framework's documentation teaches first; the others are held against these when measured.
REFERENCES = (Cell("pytorch", "eager"), Cell("tensorflow", "function"))
COLUMNS = ("workload", "level", "pair", "what", "largest_difference", "tolerance", "status", "note")


#: What a model gives before it has learned anything: logits and, where the workload generates, ids.
OUTPUTS = ("logits", "generated")
#: How many values of an output a measured mode is held against; all of them are compared between the references.
SAMPLED = 20_000
#: Products with eight or eleven bits of mantissa: what a sum of many may be off, where a workload says nothing closer.
LOW_PRECISION = 5e-2
#: A gradient below this share of the largest one is held against that share: a bias before batch normalisation has none
#: in exact arithmetic, and what is left of it is rounding.
VANISHING = 1e-3
#: Share of generated ids that may differ in float32: an untrained model's logits lie close together.
SAME_IDS = 0.02


def sample(values: np.ndarray) -> np.ndarray:
    """Return at most about ``SAMPLED`` of the values at equal distances, flat and in order."""
    flat = np.asarray(values).ravel()
    return flat[:: max(1, flat.size // SAMPLED)]


@dataclass(frozen=True)
class Rung:
    """One row of the parity table; ``status`` is ``pass``, ``fail`` or ``untested``."""

    workload: str
    level: str
    pair: str
    what: str
    largest_difference: float | None
    tolerance: float | None
    status: str
    note: str = ""

    @classmethod
    def compared(cls, *where: str, found: float, tolerance: float, note: str = "") -> Rung:
        """Return the row for one comparison; ``where`` is workload, level, pair and what."""
        return cls(*where, found, tolerance, "pass" if found <= tolerance else "fail", note)


def difference(reference: np.ndarray, other: np.ndarray, floor: float = 1e-30) -> float:
    """Return max |reference - other| / max |reference|; infinity where shapes differ or a value is not finite.

    floor  the least that the difference is divided by
    """
    reference, other = np.asarray(reference, np.float64), np.asarray(other, np.float64)
    if reference.shape != other.shape or not (np.isfinite(reference).all() and np.isfinite(other).all()):
        return float("inf")
    return float(np.max(np.abs(reference - other)) / max(float(np.max(np.abs(reference))), floor))


def check(workload: Workload, preset: Preset, *, runtime: Runtime, scratch: Path, seed: int) -> dict:
    """Climb the ladder for the two reference modes.

    Returns ``{"status", "rows": [Rung as dict], "reference": {"logits", "losses"} of the PyTorch side or None}``.
    A side that crashes is a failed rung, not an exception.
    """
    pair = " / ".join(cell.id for cell in REFERENCES)
    batch_size = {"train": 32, **preset.batch_size}
    shapes, outputs = {}, {}

    def run(cell: Cell) -> None:
        out = scratch / f"parity-{cell.framework}.npz"
        with Worker(
            workload,
            preset,
            cell,
            runtime=runtime,
            environment="tuned",
            scratch=scratch,
            log=scratch / f"parity-{cell.id}.log",
            precision="float64",
        ) as worker:
            shapes[cell.framework] = {name: tuple(shape) for name, shape in worker.ready()["shapes"].items()}
            expected = _expected_shapes(workload, preset, cell.framework)
            if shapes[cell.framework] != expected:
                return
            worker.ask("parity", seed=seed, batch_size=batch_size, out=str(out.resolve()))
        with np.load(out, allow_pickle=False) as arrays:
            outputs[cell.framework] = dict(arrays)

    failures = {}
    scratch.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        for cell, future in [(cell, pool.submit(run, cell)) for cell in REFERENCES]:
            try:
                future.result()
            except WorkerFailed as error:
                failures[cell.framework] = f"{cell.id}: {error.status}: {error.message}"
    rows = [_level_0(workload, preset, pair, shapes, failures)]
    if len(outputs) == len(REFERENCES) and rows[0].status == "pass":
        rows += _levels_1_to_3(workload, pair, outputs["pytorch"], outputs["tensorflow"])
    else:
        reason = "; ".join(failures.values()) or "L0 failed"
        rows += [
            Rung(workload.id, level, pair, "not reached", None, None, "fail" if failures else "untested", reason)
            for level in ("L1", "L2", "L3")
        ]
    for row in rows:
        shown = (
            "" if row.largest_difference is None else f"{row.largest_difference:.1e} (tolerance {row.tolerance:.0e})"
        )
        log.info("parity %s %s %s: %s %s %s", row.workload, row.level, row.what, row.status, shown, row.note)
    reference = None
    if "pytorch" in outputs:
        reference = {
            **{what: sample(outputs["pytorch"][what]).tolist() for what in OUTPUTS if what in outputs["pytorch"]},
            "losses": outputs["pytorch"]["trace_loss"].tolist(),
        }
    status = "pass" if all(row.status == "pass" for row in rows) else "fail"
    return {
        "workload": workload.id,
        "preset": preset.name,
        "status": status,
        "reference": reference,
        "rows": [asdict(row) for row in rows],
    }


@dataclass(frozen=True)
class ModeCheck:
    """How a measured mode compares with the reference trace: the check that comes closest to its tolerance decides."""

    status: str
    difference: float | None
    tolerance: float | None
    note: str


def check_mode(workload: Workload, cell: Cell, trace: Mapping, checked: Mapping | None) -> dict[str, ModeCheck]:
    """Return ``{phase: check}`` for a measured cell, from its own first logits and twenty losses.

    Inference is admitted by the logits (L1), training by logits and losses (L1 and L3): a mode may infer rightly and
    train wrongly. ``checked`` is the result of :func:`check`; if that failed, nothing passes.
    """
    reference = (checked or {}).get("reference")
    if reference is None:
        note = "no reference trace: the PyTorch side of the parity check did not finish"
        return dict.fromkeys(workload.phases, ModeCheck("untested", None, None, note))
    if cell.track == "idiomatic":
        note = "the idiomatic track follows each framework's documentation and is not held to the same computation"
        return dict.fromkeys(workload.phases, ModeCheck("untested", None, None, note))
    tolerances = workload.tolerances
    low = cell.precision != "float32"
    limits = {
        "logits": tolerances.get("bfloat16_logits", LOW_PRECISION) if low else tolerances["float32_logits"],
        "losses": tolerances.get("bfloat16_trace_loss", LOW_PRECISION) if low else tolerances["float32_trace_loss"],
    }
    logits = ("L1 logits", difference(reference["logits"], trace["logits"]), limits["logits"])
    losses = ("L3 loss", difference(reference["losses"], trace["losses"]), limits["losses"])
    checked_by = {"infer": [logits], "train": [logits, losses]}
    if "generated" in trace and "generated" in reference:
        # A share of ids; in low precision a near tie may fall the other way and take the rest along.
        share = float(np.mean(np.asarray(reference["generated"]) != np.asarray(trace["generated"])))
        checked_by["generate"] = [logits, ("L1 ids that differ", share, 0.5 if low else SAME_IDS)]
    found = {}
    for phase in workload.phases:
        checks = checked_by.get(phase)
        if not checks:
            found[phase] = ModeCheck("untested", None, None, "this cell does not generate")
            continue
        note = "; ".join(f"{what} {value:.1e} of {tolerance:.0e}" for what, value, tolerance in checks)
        passed = all(value <= tolerance for _, value, tolerance in checks)
        if passed and checked["status"] != "pass":
            passed, note = False, f"this mode agrees, but the workload's parity check failed; {note}"
        _, value, tolerance = max(checks, key=lambda check: check[1] / check[2])
        found[phase] = ModeCheck("pass" if passed else "fail", value, tolerance, note)
    return found


def _expected_shapes(workload: Workload, preset: Preset, framework: str) -> dict[str, tuple[int, ...]]:
    """Return the trained parameters' shapes as weights.py has them: no running statistics, nothing frozen."""
    weights = workload.module("weights")
    trainable = getattr(weights, "trainable", lambda name: True)
    parameters = weights.initial(np.random.default_rng(0), preset.sizes)
    trained = {name: value for name, value in parameters.items() if trainable(name)}
    arrays = getattr(weights, f"to_{framework}")(trained, preset.sizes)
    frozen = getattr(weights, "FROZEN", {}).get(framework, ())
    return {name: tuple(value.shape) for name, value in arrays.items() if name not in frozen}


def _level_0(workload: Workload, preset: Preset, pair: str, shapes: Mapping, failures: Mapping) -> Rung:
    faults = list(failures.values())
    counts = {}
    for framework, found in shapes.items():
        expected = _expected_shapes(workload, preset, framework)
        counts[framework] = sum(int(np.prod(shape)) for shape in found.values())
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                faults.append(
                    f"{workload.folder.name}/{framework}.py: parameter {name} is {found.get(name, 'absent')}, "
                    f"weights.py gives {expected.get(name, 'none')}; make the two agree"
                )
    what = "parameters: " + ", ".join(f"{framework} {count:,}" for framework, count in sorted(counts.items()))
    gap = float(abs(counts["pytorch"] - counts["tensorflow"])) if len(counts) == len(REFERENCES) else None
    if gap and not faults:
        faults.append("the two sides differ in the number of parameters")
    return Rung(workload.id, "L0", pair, what, gap, 0.0, "fail" if faults else "pass", "; ".join(faults))


def _levels_1_to_3(workload: Workload, pair: str, ours: Mapping, theirs: Mapping) -> list[Rung]:
    tolerances = workload.tolerances
    rows = [
        Rung.compared(
            workload.id, "L1", pair, what, found=difference(ours[what], theirs[what]), tolerance=tolerances[what]
        )
        for what in ("logits", "loss")
    ]
    if "generated" in ours:
        same = ours["generated"].shape == theirs.get("generated", np.empty(0)).shape
        share = float(np.mean(ours["generated"] != theirs["generated"])) if same else float("inf")
        what = "share of generated ids that differ"
        rows.append(Rung.compared(workload.id, "L1", pair, what, found=share, tolerance=0.0))
    keys = [key for key in ours if key.startswith("gradient:")]
    floor = VANISHING * max(float(np.max(np.abs(ours[key]))) for key in keys)
    gradients = {key: difference(ours[key], theirs.get(key, np.empty(0)), floor) for key in keys}
    worst = max(gradients, key=gradients.get)
    rows.append(
        Rung.compared(
            workload.id,
            "L2",
            pair,
            f"gradients of {len(gradients)} parameters",
            found=gradients[worst],
            tolerance=tolerances["gradient"],
            note=f"largest in {worst.removeprefix('gradient:')}",
        )
    )
    for what, label in (("trace_loss", "loss"), ("trace_gradient_norm", "gradient norm")):
        steps = [difference(a, b) for a, b in zip(ours[what], theirs[what], strict=True)]
        rows.append(
            Rung.compared(
                workload.id,
                "L3",
                pair,
                f"{label} at each of {len(steps)} optimiser steps",
                found=max(steps),
                tolerance=tolerances[what],
                note=f"largest at step {int(np.argmax(steps)) + 1}",
            )
        )
    states = {key: difference(ours[key], theirs.get(key, np.empty(0))) for key in ours if key.startswith("state:")}
    if states:
        worst = max(states, key=states.get)
        rows.append(
            Rung.compared(
                workload.id,
                "L3",
                pair,
                f"{len(states)} running statistics after the steps",
                found=states[worst],
                tolerance=tolerances.get("state", tolerances["trace_loss"]),
                note=f"largest in {worst.removeprefix('state:')}",
            )
        )
    return rows
