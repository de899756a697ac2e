"""The environment of a worker process: inherited, scrubbed, then set explicitly."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reproductions.errors import SurveyError
from reproductions.files import read_yaml

REGISTRY = Path(__file__).with_name("environments.yaml")

#: Families of variables that change speed. OPENBLAS_CORETYPE stays: where it is set, it guards against wrong results.
SCRUBBED = re.compile(
    r"^(OMP_|GOMP_|KMP_|MKL_|OPENBLAS_NUM_THREADS$|NUMEXPR_|VECLIB_|MALLOC_|GLIBC_TUNABLES$|TF_|XLA_|TORCH|PYTORCH_|"
    r"KERAS_|ATEN_|DNNL_|ONEDNN_|LD_PRELOAD$|PYTHONPATH$|PYTHONSTARTUP$)"
)


@dataclass(frozen=True)
class Environment:
    """A named environment profile."""

    name: str
    letter: str
    title: str
    description: str
    variables: Mapping[str, str]


def load() -> dict[str, Environment]:
    """Return ``{name: profile}`` from environments.yaml."""
    raw = read_yaml(REGISTRY)
    return {name: Environment(name=name, **values) for name, values in raw.items()}


def worker_environment(profile: str, threads: int, scratch: Path) -> dict[str, str]:
    """Return the complete environment of a worker.

    profile  a name in environments.yaml
    threads  number of compute threads, set for every library that reads such a variable
    scratch  folder for compile caches, so that a run starts without anybody's warm cache
    """
    profiles = load()
    if profile not in profiles:
        raise SurveyError(f"no environment profile {profile!r}; choose one of {', '.join(profiles)}")
    environment = {key: value for key, value in os.environ.items() if not SCRUBBED.match(key)}
    count = str(threads)
    environment |= dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), count
    )
    environment |= {
        "KERAS_BACKEND": "tensorflow",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        # Compiling in the worker itself keeps its CPU time countable.
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    return environment | dict(profiles[profile].variables)
