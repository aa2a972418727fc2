"""A lock on an open file, which ends with the process that holds it."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

_HELD: Final = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
_FAR: Final = 0x7FFFFFFE
"""The byte that is locked where only ranges can be, behind everything that is ever written."""

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(file: int) -> bool:
    """Lock an open file until it is closed; return False where another process has locked it.

    A file system without locks, as some networks have them, locks nothing.
    """
    try:
        _lock(file)
    except OSError as error:
        return error.errno not in _HELD
    return True
