"""Who may log in to the page: a file of names with salted hashes of their passwords, and how fast one may guess.

One name a line, `NAME:scrypt:N:R:P:SALT:KEY`, the last two in base64; empty lines and those with # in front are
skipped. Scrypt (RFC 7914) with N = 2^15, r = 8, p = 3 takes 32 MB and a quarter of a second: that makes guessing dear.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import logging
import os
import secrets
import tempfile
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from index.errors import ArticleQAError
from ui.guard import client

log = logging.getLogger(__name__)

SHORTEST = 12
"""Characters of a password."""

_COST = 2**15, 8, 3
_MEMORY = 256 * 2**20  # bytes that the dearest line may take
_LONGEST = 1_000
_FREE = 3  # tries in a row that nobody waits for
_SLOWEST = 30.0  # seconds between two tries
_PATIENCE = 60.0  # seconds that a try waits for its turn; else it is refused
_FORGOTTEN = 15 * 60.0
_LASTS = 24 * 3600.0  # seconds of a session, unless the browser is closed before


class Logins:
    """The names of a file, read again when it changes; whose line is changed or gone is logged out.

    Raises:
        ArticleQAError: The file cannot be used; the message says why and what to do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = read(path)
        if not self._lines:
            raise ArticleQAError(f"{path} has no names in it; add one with `article-qa login NAME --logins {path}`.")
        self._seen = self._state()
        self._tries: dict[str, tuple[int, float]] = {}  # of an address: how many, and when the last one had its turn
        self._since: dict[str, float] = {}
        self._one = ThreadPoolExecutor(1, "login")  # so that guessing takes one core and one hash's memory

    async def check(self, name: str, password: str) -> bool:
        """Say whether a name may log in; the more tries went wrong from its address, the longer it takes."""
        address, now = _network(client.get()), time.monotonic()
        tries, turn = self._tries.get(address, (0, now))
        if now - turn > _FORGOTTEN:
            tries = 0
        turn = max(turn, now) + (min(2.0 ** (tries - _FREE), _SLOWEST) if tries >= _FREE else 0)
        if turn - now > _PATIENCE:
            return False
        self._tries[address] = tries + 1, turn
        await asyncio.sleep(turn - now)
        right = await asyncio.get_running_loop().run_in_executor(self._one, self._right, name, password)
        if right:
            tries, turn = self._tries.get(address, (1, turn))
            self._tries[address] = tries - 1, turn
        else:
            log.error("A login failed, from %s.", client.get() or "an unknown address")
        if len(self._tries) > 10_000:
            recent = time.monotonic() - _FORGOTTEN
            self._tries = {known: tried for known, tried in self._tries.items() if tried[1] > recent}
        return right

    def session(self, app: Any, cookie: str) -> bool:
        """Say whether a request has a session of Gradio's: one of a name that may still log in, and not too old."""
        from starlette.requests import cookie_parser

        self._refresh(app.tokens)
        cookies = cookie_parser(cookie)
        for kind in ("access-token", "access-token-unsecure"):
            token = cookies.get(f"{kind}-{app.cookie_id}", "")
            if token in app.tokens:
                if token not in self._since:
                    self._since = {other: since for other, since in self._since.items() if other in app.tokens}
                    self._since[token] = time.monotonic()
                if time.monotonic() - self._since[token] < _LASTS:
                    return True
                del app.tokens[token], self._since[token]
        return False

    def _right(self, name: str, password: str) -> bool:
        line = self._lines.get(name) or _written(name, secrets.token_bytes(16), secrets.token_bytes(32))
        *_, n, r, p, salt, key = line.split(":")  # so that an unknown name takes as long
        found = _hash(password[:_LONGEST], base64.b64decode(salt), int(n), int(r), int(p))
        return secrets.compare_digest(found, base64.b64decode(key)) and name in self._lines

    def _refresh(self, tokens: dict[str, str]) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen, before = state, self._lines
        try:
            self._lines = read(self._path)
        except ArticleQAError as error:
            log.error("%s Nobody can log in until then.", error)
            self._lines = {}
        for token, name in list(tokens.items()):
            if self._lines.get(name) != before.get(name):
                del tokens[token]

    def _state(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def read(path: Path) -> dict[str, str]:
    """Return the lines of a file by their names.

    Raises:
        ArticleQAError: It cannot be read, others than its owner may, or a line is none.
    """
    try:
        mode = os.stat(path).st_mode
        text = path.read_text("utf-8")
    except OSError as error:
        raise ArticleQAError(
            f"{path} cannot be read ({error.strerror}); make it with `article-qa login NAME --logins {path}`."
        ) from error
    except UnicodeDecodeError as error:
        raise ArticleQAError(f"{path} is not text in UTF-8; name a file that `article-qa login` made.") from error
    if os.name == "posix" and mode & 0o027:
        raise ArticleQAError(f"Others than its owner may use {path}; run `chmod 600 {path}`.")
    lines = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            if not _fits(line):
                raise ArticleQAError(
                    f"Line {number} of {path} is no login; delete it, and add the name with `article-qa login`."
                )
            lines[line.partition(":")[0]] = line
    return lines


def save(path: Path, name: str, password: str) -> bool:
    """Add a name to a file, or give it another password; only its owner can read the file.

    Returns:
        Whether the name is new.

    Raises:
        ArticleQAError: The name or the password does not do, or the file cannot be used.
    """
    if not name.isprintable() or not 0 < len(name) <= 64 or name != name.strip() or set(":#") & set(name):
        raise ArticleQAError(f"{name!r} cannot be a name; take up to 64 letters and digits, without : and #.")
    if not SHORTEST <= len(password) <= _LONGEST:
        raise ArticleQAError(
            f"The password has {len(password):,} characters; take {SHORTEST} to {_LONGEST:,}, such as four words."
        )
    path = Path(os.path.realpath(path))
    lines = path.read_text("utf-8").splitlines() if path.exists() and read(path) else []
    kept = [line for line in lines if line.partition(":")[0] != name]
    try:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # with mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join([*kept, _line(name, password), ""]))
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except OSError as error:
        raise ArticleQAError(f"{path} cannot be written ({error.strerror}); name another file.") from error
    return len(kept) == len(lines)


def _line(name: str, password: str) -> str:
    salt = secrets.token_bytes(16)
    return _written(name, salt, _hash(password, salt, *_COST))


def _written(name: str, salt: bytes, key: bytes) -> str:
    return ":".join([name, "scrypt", *map(str, _COST), *(base64.b64encode(part).decode() for part in (salt, key))])


def _hash(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    word = unicodedata.normalize("NFC", password).encode("utf-8", "replace")  # keyboards differ
    return hashlib.scrypt(word, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _fits(line: str) -> bool:
    parts = line.split(":")
    if len(parts) != 7 or parts[1] != "scrypt" or not all(part.isdecimal() for part in parts[2:5]):
        return False
    n, r, p = map(int, parts[2:5])
    try:
        salt, key = (base64.b64decode(part, validate=True) for part in parts[5:])
    except ValueError:
        return False
    cheap = _COST[0] <= n <= 2**20 and n & (n - 1) == 0 and 1 <= r <= 32 and 1 <= p <= 16 and 128 * n * r < _MEMORY
    return cheap and len(salt) >= 16 and len(key) == 32


def _network(address: str) -> str:
    """Return what one guesser has to himself: an address, and of IPv6 the whole network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
