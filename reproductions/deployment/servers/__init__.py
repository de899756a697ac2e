"""Servers, a module each: what they need, how they are started, and how they are spoken to over HTTP.

A module has ``SERVER = Server(...)`` and, where the default does not fit, some of:

prepare(job)        write what the server is given (an archive, a model repository) into ``job.scratch``
command(job)        the command line that starts it and stays in the foreground
environment(job)    variables besides those every process of a measurement gets
request(job, row)   (route, body) of a request for one row of model inputs
answer(job, value)  logits from the decoded JSON of an answer
missing()           why it cannot run here, beyond distributions and commands; None if it can

Most are Python: without ``command`` the module is run with the job's file as its argument, and its ``main(job)``
serves until it is ended. Each process answers one row a request, as it is shipped: one worker, no batching of requests.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np

from reproductions.deployment import spec

ROUTE = "/predict"


@dataclass(frozen=True)
class Server:
    """What is known of a server before it is tried.

    framework      whose model it serves
    runtime        what computes the answer
    path           the export path whose artefact it is given
    distributions  what has to be installed in its environment
    commands       programs that have to be found
    extra          environment of environments.yaml that it needs, or None for the one that runs the survey
    get            how to get what is missing, for the row of a server that is skipped
    start_s        how long it may take to answer its first request
    tool           key of states.yaml
    """

    id: str
    title: str
    framework: str
    runtime: str
    path: str
    distributions: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    extra: str | None = None
    get: str = ""
    start_s: float = 120
    tool: str = ""


@dataclass(frozen=True)
class Job:
    """One server that answers for one model.

    artefact  folder of what the path exported
    scratch   folder of the server's own files
    ports     free ports of loopback; the first is spoken to
    shape     of one row of inputs
    dtype     of the inputs
    request   what the path's ``load`` is told, as :meth:`reproductions.deployment.spec.Request.plain` gives it
    python    interpreter of the server's environment
    """

    server: str
    path: str
    model: str
    artefact: str
    scratch: str
    ports: tuple[int, ...]
    threads: int
    shape: tuple[int, ...]
    dtype: str
    request: Mapping = field(default_factory=dict)
    python: str = sys.executable

    @property
    def port(self) -> int:
        """Return the port that is spoken to."""
        return self.ports[0]

    def save(self) -> Path:
        """Write the job into its scratch folder; returns the file."""
        file = Path(self.scratch) / "job.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file

    @classmethod
    def read(cls, file: str) -> Job:
        """Read what :meth:`save` wrote."""
        values = json.loads(Path(file).read_text("utf-8"))
        return cls(**values | {name: tuple(values[name]) for name in ("ports", "shape")})

    def predict(self):
        """Return the path's ``predict`` on the artefact; imports the runtime."""
        return spec.find(self.path).load(Path(self.artefact), spec.Request(**self.request))


def discover() -> dict[str, ModuleType]:
    """Return ``{id: module}`` of every server, by name; no framework is imported."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    for name, module in modules.items():
        if module.SERVER.id != name:
            raise ValueError(f"servers/{name}.py: its id is {module.SERVER.id!r}; give both the same name")
    return modules


def serve(main) -> int:
    """Run ``main`` with the job that the command line names."""
    main(Job.read(sys.argv[1]))
    return 0


# -- the defaults ------------------------------------------------------------------------------------------------------
def command(job: Job) -> list[str]:
    """Return the command line of a server that is a Python module of this folder."""
    return [job.python, "-m", f"{__name__}.{job.server}", str(job.save())]


def request(job: Job, row: np.ndarray) -> tuple[str, dict]:
    """Return route and body of a request for one row: ``{"inputs": [row]}``."""
    return ROUTE, {"inputs": [plain(row)]}


def answer(job: Job, value: object) -> np.ndarray:
    """Return logits (1, classes) from ``{"logits": [row]}``."""
    return np.asarray(value["logits"], np.float32)


def plain(row: np.ndarray) -> list:
    """Return nested lists whose JSON is as short as float32 allows and reads back to the same float32."""
    if np.issubdtype(row.dtype, np.floating):
        flat = [float(str(value)) for value in row.astype(np.float32).ravel()]
        return _nested(flat, row.shape)
    return row.tolist()


def _nested(flat: Sequence, shape: tuple[int, ...]) -> list:
    if len(shape) == 1:
        return list(flat)
    size = len(flat) // shape[0]
    return [_nested(flat[start : start + size], shape[1:]) for start in range(0, len(flat), size)]


def inputs(job: Job, body: Mapping) -> np.ndarray:
    """Return model inputs (rows, ...) from the body that :func:`request` made."""
    return np.asarray(body["inputs"], job.dtype)
