"""One module a framework: how a model is built, stepped, synchronised and asked about itself.

Both classes are called ``Engine`` and offer the same methods; a worker imports exactly one of them.
"""

import importlib


def engine(framework: str):
    """Return the ``Engine`` class of a framework; imports the framework."""
    return importlib.import_module(f"{__name__}.{framework}").Engine
