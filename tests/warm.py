"""Interpreters that have imported a framework already: each start is a fork of one process, so one import serves many.

``with interpreters(folder, {...}) as found`` gives a program a name to be started in place of ``python``. What it is
asked to run, it runs in a fork of a process that has imported the modules, in the asker's folder, with its variables,
arguments, input and output; its end is the program's end. Where that would not be the same as an ordinary start (the
process has more than one thread, or the asker sets a variable that is read as a framework is imported), it is an
ordinary start.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PR_SET_PDEATHSIG = 1
#: Variables of these names decide while a framework is imported, or before: with other values a fork is not a start.
EARLY = re.compile(
    r"^(OMP_|GOMP_|KMP_|MKL_|OPENBLAS_|NUMEXPR_|MALLOC_|GLIBC_TUNABLES$|TF_|XLA_|TORCH(?!INDUCTOR_CACHE_DIR$)|PYTORCH_|"
    r"KERAS_|ATEN_|DNNL_|ONEDNN_|CUDA_|LD_|PYTHON(?!PATH$))"
)
NOT_HERE, READY = b"null", b"ready\n"
#: What is started in place of ``python``. It holds the connection for as long as the program runs: whoever ends it
#: ends the program.
STARTER = """#!{python} -IS
import json, os, signal, socket, sys

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
    asked = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "variables": dict(os.environ)}}
    try:
        connection.connect({address!r})
        socket.send_fds(connection, [json.dumps(asked).encode()], [0, 1, 2])
    except OSError:
        answer = {not_here!r}
    else:
        answer = connection.recv(64)
if answer == {not_here!r}:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
code = json.loads(answer or b"1")
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@contextlib.contextmanager
def interpreters(
    folder: Path, modules: Mapping[str, tuple[str, ...]], variables: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Give ``{name: path of a program to start in place of python}``; nothing on a system that cannot do it.

    folder     an existing folder with a short path, for programs and sockets
    modules    what the interpreter of a name has imported
    variables  the complete environment of the processes, as those that are asked for will have it
    """
    if sys.platform != "linux":
        yield {}
        return
    found, running = {}, []
    try:
        for name, imported in modules.items():
            address = str(folder / f"{name}.socket")
            command = [sys.executable, "-P", __file__, address, *imported]
            running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=variables))
            starter = folder / name
            starter.write_text(STARTER.format(python=sys.executable, address=address, not_here=NOT_HERE))
            starter.chmod(0o755)
            found[name] = str(starter)
        for process in running:
            while process.stdout.readline() not in (READY, b""):  # at its end every start is an ordinary one
                pass
        yield found
    finally:
        for process in running:
            process.kill()
            process.wait()
            process.stdout.close()


def serve(address: str, modules: list[str]) -> int:
    """Import the modules and answer every start with a fork; in the fork, return what the program ended with."""
    _die_with_parent()
    before = dict(os.environ)
    for name in modules:
        importlib.import_module(name)
    set_by_import = {name: value for name, value in os.environ.items() if before.get(name) != value}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, READY)
        while True:
            connection, _ = listener.accept()
            message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 3)
            asked = json.loads(message) if message else None
            if asked is None or _early(asked["variables"]) != _early(before) or not _alone():
                with contextlib.suppress(OSError):
                    connection.send(NOT_HERE)
            elif os.fork() == 0:
                listener.close()
                _keep(connection, descriptors)
                break
            connection.close()
            for descriptor in descriptors:
                os.close(descriptor)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    connection.close()
    return _play(asked["arguments"], asked["folder"], asked["variables"] | set_by_import, descriptors)


def _alone() -> bool:
    """Return whether this process has one thread: only then is a fork of it whole."""
    return len(list(Path("/proc/self/task").iterdir())) == 1


def _early(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if EARLY.match(name)}


def _keep(connection: socket.socket, descriptors: list[int]) -> None:
    """Fork the program and stay beside it until it or its asker has ended; returns in the program alone."""
    _die_with_parent()
    program = os.fork()
    if program == 0:
        return
    for descriptor in descriptors:
        os.close(descriptor)
    ended = os.pidfd_open(program)
    if ended not in select.select([connection, ended], [], [])[0]:
        os.kill(program, signal.SIGKILL)  # the asker is gone
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    with contextlib.suppress(OSError):
        connection.send(json.dumps(code).encode())
    os._exit(0)


def _play(arguments: list[str], folder: str, variables: Mapping[str, str], descriptors: list[int]) -> int:
    """Run ``-m MODULE ARGUMENT...`` as an interpreter would that starts here and now."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = [folder, *filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))]
    option, module, *more = arguments
    if option != "-m":
        raise SystemExit(f"{option}: nothing but -m MODULE is run here")
    sys.argv = [module, *more]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], sys.argv[2:]))
