"""One contender in a process of its own: ``python -m benchmarks.worker TASK CONTENDER FOLDER`` prints a JSON line.

A fresh process for each measurement keeps the memory, the allocator and the caches of one contender from the next.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run the contender once and print ``seconds`` (CPU of the process), ``items``, ``answer`` and memory in MiB."""
    task, name, folder = arguments
    prepare = importlib.import_module(f"benchmarks.tasks.{task}").CONTENDERS[name]
    try:
        run = prepare(Path(folder))
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return 0
    imported = peak_mib()
    start = time.process_time()
    outcome = run()
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "imported_mib": imported, "peak_mib": peak_mib(), **outcome}))
    return 0


def peak_mib() -> float:
    """Return the largest resident memory of this process so far; the caller's, which getrusage counts, is left out."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
