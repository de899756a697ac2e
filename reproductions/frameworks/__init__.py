"""One module a framework: how a model is built, stepped, synchronised and asked about itself.

All classes are called ``Engine`` and offer the same methods; a worker imports exactly one of them. ``keras`` is the
control: the TensorFlow side's source through Keras' own training loop, on either back end.
"""

import importlib


def engine(framework: str):
    """Return the ``Engine`` class of a framework; imports the framework."""
    return importlib.import_module(f"{__name__}.{framework}").Engine


def run(step, schedule):
    """Take the steps of a block and return the last result: the loop that is timed, bare for every framework."""
    result = None
    for batch in schedule:
        result = step(batch)
    return result
