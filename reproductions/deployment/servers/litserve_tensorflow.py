"""LitServe before TensorFlow: one of the fair pair, the same interface before both frameworks."""

from __future__ import annotations

import sys

from reproductions.deployment.servers import Job, Server, serve

SERVER = Server(
    id="litserve_tensorflow",
    title="LitServe, TensorFlow",
    framework="tensorflow",
    runtime="tensorflow",
    path="tf_function",
    distributions=("litserve",),
    get="pip install litserve (extra deploy)",
    tool="litserve",
)


def main(job: Job) -> None:
    """Serve until the process is ended."""
    from reproductions.deployment.servers import _litserve

    _litserve.main(job)


if __name__ == "__main__":
    sys.exit(serve(main))
