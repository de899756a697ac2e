"""LitServe before PyTorch: one of the fair pair, the same interface before both frameworks."""

from __future__ import annotations

import sys

from reproductions.deployment.servers import Job, Server, serve

SERVER = Server(
    id="litserve_pytorch",
    title="LitServe, PyTorch",
    framework="pytorch",
    runtime="torch",
    path="torch_eager",
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
