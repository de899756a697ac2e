"""Run a command in one folder, which alone it may write to, within limits: ``python jail.py FOLDER COMMAND...``.

The sandbox starts this inside a mount namespace of its own, so nothing outside sees the change. Devices such as
``/dev/null`` can be written to all the same.
"""

import ctypes
import os
import resource
import sys

BIND, AT_FDCWD, RECURSIVE, READ_ONLY, MOUNT_SETATTR = 4096, -100, 0x8000, 1, 442
LIMITS = (
    (resource.RLIMIT_AS, 16 << 30),  # bytes; TensorFlow reserves several GiB before it begins
    (resource.RLIMIT_FSIZE, 1 << 30),  # bytes of one file
    (resource.RLIMIT_CPU, 180),  # seconds
    (resource.RLIMIT_CORE, 0),
)


class Attributes(ctypes.Structure):
    """What mount_setattr(2) changes."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace"))


def main(arguments: list[str]) -> int:
    """Make everything but the folder read-only and become the command; raises OSError where the system forbids it."""
    folder, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.fsencode(folder)
    _check(libc.mount(path, path, None, ctypes.c_ulong(BIND), None), f"bind {folder}")
    _change(libc, b"/", RECURSIVE, Attributes(set=READ_ONLY))
    _change(libc, path, 0, Attributes(clear=READ_ONLY))
    os.chdir(folder)  # the folder that was entered before lies below the mount
    for what, most in LIMITS:
        resource.setrlimit(what, (most, most))
    return os.execvp(command[0], command)  # noqa: S606


def _change(libc, path: bytes, flags: int, wanted: Attributes) -> None:
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    done = libc.syscall(ctypes.c_long(MOUNT_SETATTR), AT_FDCWD, path, flags, ctypes.byref(wanted), size)
    _check(done, f"remount {path.decode()}")


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
