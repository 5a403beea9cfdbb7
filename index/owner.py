"""One process at a time owns a library for writing.

The lock is the operating system's own (`flock`), so it frees itself when its holder dies.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import LibraryInUse


class Owner:
    """The right to write a library; held until `release`."""

    def __init__(self, folder: Path) -> None:
        """Take the right to write the library in a folder, at once or not at all.

        Raises:
            LibraryInUse: Another process holds it; the message names it.
            OSError: The folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(folder / "lock", timeout=0, thread_local=False)
        self._card = folder / "owner.json"
        try:
            self._lock.acquire()
        except Timeout as error:
            raise LibraryInUse(
                f"The library in {folder} is in use by {_holder(self._card)}; close that, or name another place with "
                "--library DIR."
            ) from error
        try:
            card = {"pid": os.getpid(), "since": datetime.now().isoformat(sep=" ", timespec="seconds")}
            self._card.write_text(json.dumps(card), encoding="utf-8")
        except OSError:
            self._lock.release()
            raise

    def release(self) -> None:
        """Let another process have it."""
        self._lock.release()


def _holder(card: Path) -> str:
    try:
        found = json.loads(card.read_text(encoding="utf-8"))
        return f"process {int(found['pid'])} since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
