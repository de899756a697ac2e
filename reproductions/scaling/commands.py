"""The command ``scale`` of ``python -m reproductions``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from reproductions.errors import SurveyError

log = logging.getLogger("reproductions.scaling")
TEXT = "Measure several devices: DistributedDataParallel against MirroredStrategy at the same global batch."
ROOT = Path(__file__).resolve().parents[2]


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``scale`` to the sub-parsers of the command line; returns its parser."""
    parser = commands.add_parser("scale", help=TEXT, description=TEXT)
    parser.set_defaults(run=_run)
    parser.add_argument("workload", nargs="*", default=["cnn_mnist"], help="workload ids (default: %(default)s)")
    parser.add_argument("--preset", default="quick", help="whose sizes are used (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("results/by-hand"), metavar="DIR", help="folder of the table")
    parser.add_argument("--batch-size", type=int, help="global batch; default: the workload's in training")
    parser.add_argument(
        "--cpu-devices",
        type=int,
        default=0,
        metavar="N",
        help="processes (PyTorch) or logical devices (TensorFlow) of the CPU instead of GPUs: shows that the "
        "strategies compute the same, its times say nothing",
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "data/downloads", metavar="DIR")
    parser.add_argument("--environment", default="tuned", metavar="PROFILE")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restarts", type=int, default=3, metavar="N", help="sets of processes (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="blocks a side (default: %(default)s)")
    for framework in ("pytorch", "tensorflow"):
        parser.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
    parser.add_argument("--workloads", action="append", type=Path, default=[], metavar="DIR", help="further workloads")
    parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    parser.add_argument("--keep-going", action="store_true", help="exit with 0 although something failed")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
    return parser


def _run(options: argparse.Namespace) -> int:
    from reproductions import datasets, registry
    from reproductions.exclusive import exclusive
    from reproductions.scaling import measure

    if options.cpu_devices == 1 or options.cpu_devices < 0:
        raise SurveyError("--cpu-devices takes a number from 2 on")
    failed = []
    with exclusive(options.wait):
        for name in options.workload:
            workload = registry.find(name, options.workloads)
            synthetic = workload.datasets[0] == "synthetic"
            data = None if synthetic else datasets.fetch(workload.datasets[0], options.cache) / "arrays.npz"
            settings = measure.Options(
                folder=options.out / "unfinished",
                data=data,
                cpu_devices=options.cpu_devices,
                environment=options.environment,
                threads=options.threads,
                seed=options.seed,
                restarts=options.restarts,
                rounds=options.rounds,
                batch_size=options.batch_size,
                python={name: getattr(options, f"python_{name}") for name in measure.STRATEGIES},
            )
            rows = measure.measure(
                workload, workload.preset(options.preset), settings, options.out / "scaling" / f"{workload.id}.csv"
            )
            failed += [row for row in rows if row["status"] != "ok" and row["kind"] != "skipped"]
    return 1 if failed and not options.keep_going else 0
