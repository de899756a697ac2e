"""Plays one program in the process at hand and says what came of it."""

from __future__ import annotations

import functools
import gc
import sys
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path

from reproductions.usability.faults import tools
from reproductions.usability.faults.stages import Stage


def play(job: dict) -> dict:
    """Run the program of ``job`` and return how it ended.

    job      ``program`` (path), ``framework``, ``mode``, ``tools``, ``backend`` (of torch.compile or None)
    returns  ``value`` (the program's own measure), ``exception``, ``message``, ``traceback`` (as printed, from
             the program's first frame on), ``stage``, ``start`` and ``end`` (monotonic seconds), ``shown``
    """
    path = job["program"]
    tools.switch_on(tuple(job["tools"]))
    module = types.ModuleType("program")
    module.__file__ = path
    sys.modules["program"] = module
    code = compile(Path(path).read_text(encoding="utf-8"), path, "exec")
    answer: dict = {"value": None, "exception": "", "message": "", "traceback": ""}
    answer["start"] = time.monotonic()
    stage = Stage(tuple(job["tools"]))
    try:
        exec(code, module.__dict__)  # noqa: S102  a program of the catalogue
        handed = (stage,) if job["framework"] == "keras" else (stage, wrapper(job))
        answer["value"] = float(module.main(*handed))
        gc.collect()  # objects that speak when they go
    except Exception as error:
        answer["end"] = time.monotonic()
        answer["exception"] = _name(error)
        answer["message"] = str(error)
        answer["traceback"] = "".join(traceback.format_exception(_from_program(error, path)))
    answer.setdefault("end", time.monotonic())
    return answer | {"stage": stage.now, "shown": stage.shown}


def wrapper(job: dict) -> Callable:
    """Return what turns a function or module into the mode: nothing, torch.compile, tf.function, XLA."""
    mode = job["mode"]
    if mode == "eager":
        return _unchanged
    if mode == "compile":
        import torch

        strict = tools.FULLGRAPH in job["tools"]
        return functools.partial(torch.compile, backend=job.get("backend") or "inductor", fullgraph=strict)
    import tensorflow as tf

    return tf.function if mode == "function" else functools.partial(tf.function, jit_compile=True)


def _unchanged(function: Callable) -> Callable:
    return function


def _name(error: BaseException) -> str:
    """Return the exception's name as a user would write it: without the module for built-in ones."""
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _from_program(error: BaseException, path: str) -> BaseException:
    """Drop the frames of the harness above the program's own."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != path:
        frame = frame.tb_next
    return error.with_traceback(frame) if frame is not None else error
