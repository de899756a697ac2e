"""What a program is handed: a recorder of stages, and hooks for the frameworks' own tools.

``stage("build")``, ``stage("step")``, ``stage("after")`` say how far the program has come;
the first step and later ones are told apart here. Everything else is inert unless the
second run, with the tools on, asks for it.
"""

from __future__ import annotations

import json
import os
import sys
import time

MARK = "\x1e"
#: In the order of time. ``never`` is what the judge writes for a fault that nobody noticed.
STAGES = ("definition", "build", "first step", "later", "never")


class Stage:
    """The recorder; marks go to stderr in band, so that every printed line has a stage.

    tools  names of the tools that are switched on, see tools.py
    """

    def __init__(self, tools: tuple[str, ...] = ()):
        self.tools = frozenset(tools)
        self.shown: list[int] = []
        self.marks: list[tuple[str, float]] = []
        self._mark("definition")

    def __call__(self, name: str) -> None:
        """Enter ``build``, ``step`` (once a step) or ``after``; ValueError for another word."""
        if name not in ("build", "step", "after"):
            raise ValueError(f"no stage {name!r}; say build, step or after")
        if name == "step":
            name = "first step" if self.now in ("definition", "build") else "later"
        self._mark("later" if name == "after" else name)

    @property
    def now(self) -> str:
        """The stage the program is in."""
        return self.marks[-1][0]

    def _mark(self, name: str) -> None:
        if not self.marks or self.now != name:
            self.marks.append((name, time.monotonic()))
            sys.stderr.flush()
            os.write(2, f"{MARK}{json.dumps(self.marks[-1])}\n".encode())

    # -- Keras fit takes the steps itself --------------------------------------------------
    def callbacks(self) -> list:
        """Return the callbacks for ``fit``: one that marks the end of the first step."""
        import keras

        class EndOfFirstStep(keras.callbacks.Callback):
            """The first batch is the first step; whatever follows comes later."""

            def on_train_batch_end(_, batch, logs=None):
                self("step")

        found = [EndOfFirstStep()]
        if "TerminateOnNaN" in self.tools:
            found.append(keras.callbacks.TerminateOnNaN())
        return found

    # -- hooks of the tools ----------------------------------------------------------------
    def summary(self, model: object) -> None:
        """Note the number of trainable values that a summary of the model shows."""
        if "summary" not in self.tools:
            return
        if hasattr(model, "trainable_variables"):
            self.shown.append(sum(int(v.numpy().size) for v in model.trainable_variables))
        else:
            self.shown.append(sum(p.numel() for p in model.parameters() if p.requires_grad))

    def gradcheck(self, function: object, *inputs: object) -> None:
        """Compare the function's gradient with finite differences, as the framework does it."""
        if "gradcheck" not in self.tools:
            return
        if "torch" in sys.modules:
            import torch

            torch.autograd.gradcheck(function, inputs)
            return
        import numpy as np
        import tensorflow as tf

        found, numeric = tf.test.compute_gradient(function, list(inputs))
        worst = max(float(np.abs(a - b).max()) for a, b in zip(found, numeric, strict=True))
        if worst > 1e-2:
            raise AssertionError(f"tf.test.compute_gradient: the gradients differ by {worst:.2g}")
