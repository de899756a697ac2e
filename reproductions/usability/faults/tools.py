"""The frameworks' own tools against silent faults: which are tried for which kind.

A tool counts as having noticed only if it says something about the faulty program that it
does not say about the corrected one.
"""

from __future__ import annotations

from collections.abc import Callable

ANOMALY = "torch.autograd.set_detect_anomaly"
FULLGRAPH = "torch.compile(fullgraph=True)"
RECOMPILE = "torch.compiler.set_stance(fail_on_recompile)"
NUMERICS = "tf.debugging.enable_check_numerics"
EAGERLY = "tf.config.run_functions_eagerly"
DEBUG_DATA = "tf.data.experimental.enable_debug_mode"
DETERMINISM = "tf.config.experimental.enable_op_determinism"
DETERMINISTIC = "torch.use_deterministic_algorithms"
NAN_STOP = "TerminateOnNaN"
SUMMARY = "summary"
GRADCHECK = "gradcheck"

#: Tools by framework and kind; ``*`` is for every kind that is not listed.
TOOLS = {
    "pytorch": {
        "gradient": (ANOMALY, GRADCHECK, SUMMARY),
        "numerics": (ANOMALY,),
        "structure": (SUMMARY, ANOMALY),
        "optimiser": (SUMMARY, ANOMALY),
        "data": (ANOMALY, DETERMINISTIC),
        "*": (ANOMALY,),
    },
    "tensorflow": {
        "gradient": (NUMERICS, EAGERLY, GRADCHECK, SUMMARY),
        "numerics": (NUMERICS, EAGERLY),
        "structure": (SUMMARY, EAGERLY),
        "optimiser": (SUMMARY, NUMERICS, EAGERLY),
        "data": (EAGERLY, DEBUG_DATA, DETERMINISM),
        "*": (NUMERICS, EAGERLY),
    },
    "keras": {
        "gradient": (NUMERICS, EAGERLY, GRADCHECK, SUMMARY, NAN_STOP),
        "numerics": (NUMERICS, EAGERLY, NAN_STOP),
        "structure": (SUMMARY, EAGERLY),
        "optimiser": (SUMMARY, NUMERICS, EAGERLY, NAN_STOP),
        "data": (EAGERLY, DEBUG_DATA, DETERMINISM),
        "*": (NUMERICS, EAGERLY, NAN_STOP),
    },
}


def for_runs(framework: str, mode: str, kind: str) -> tuple[tuple[str, ...], ...]:
    """Return the tools of each further run; compiled code also gets the strict modes of the compiler."""
    tools = TOOLS[framework].get(kind, TOOLS[framework]["*"])
    if mode in ("function", "fit") and NUMERICS in tools and EAGERLY in tools:
        # In a graph the numerics are checked at a fifth of the cost; XLA cannot compile the check, eager has no graph.
        return tuple(tool for tool in tools if tool != EAGERLY), (EAGERLY,)
    if mode != "compile":
        return (tools,)
    # A correct program may meet a second shape, so recompiling is forbidden only where tracing is in question.
    return ((*tools, FULLGRAPH, RECOMPILE) if kind == "tracing" else (*tools, FULLGRAPH),)


def switch_on(tools: tuple[str, ...]) -> None:
    """Switch on the tools that are global settings; the others are hooks of the program."""
    for tool in tools:
        if tool in SETTINGS:
            SETTINGS[tool]()


def _anomaly() -> None:
    import torch

    torch.autograd.set_detect_anomaly(True)


def _deterministic() -> None:
    import torch

    torch.use_deterministic_algorithms(True)


def _recompile() -> None:
    import torch

    torch.compiler.set_stance("fail_on_recompile")


def _numerics() -> None:
    import numpy as np
    import tensorflow as tf

    # Eagerly, the check writes out the inputs of every operation, needed or not: most of its time with long arrays.
    np.set_printoptions(threshold=6, edgeitems=2)
    tf.debugging.enable_check_numerics()


def _eagerly() -> None:
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)


def _debug_data() -> None:
    import tensorflow as tf

    tf.data.experimental.enable_debug_mode()


def _determinism() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


SETTINGS: dict[str, Callable[[], None]] = {
    ANOMALY: _anomaly,
    DETERMINISTIC: _deterministic,
    RECOMPILE: _recompile,
    NUMERICS: _numerics,
    EAGERLY: _eagerly,
    DEBUG_DATA: _debug_data,
    DETERMINISM: _determinism,
}
