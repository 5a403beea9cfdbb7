"""Reports to files: the suffix names the form, and a file is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import BadReport

if TYPE_CHECKING:
    from qa.types import Report

SUFFIXES = (".md", ".html", ".docx", ".json", ".jsonld", ".csl.json")


def content(report: Report, suffix: str) -> bytes:
    """Return a report in the form that one of `SUFFIXES` names, text as UTF-8."""
    if suffix == ".docx":
        from qa.report.word import document

        return document(report)
    forms = {
        ".md": report.to_markdown,
        ".html": report.to_html,
        ".json": report.to_json,
        ".jsonld": report.to_annotations,
        ".csl.json": report.to_csl,
    }
    return forms[suffix]().encode("utf-8", "replace")


def save(report: Report, path: str | PathLike[str]) -> None:
    """Write a report, as `Report.save` says."""
    write(path, content(report, suffix_of(path)))


def suffix_of(path: str | PathLike[str]) -> str:
    """Return which of `SUFFIXES` a file has, the longest that fits.

    Raises:
        BadReport: It has none of them.
    """
    name = os.fspath(path).lower()
    fitting = [suffix for suffix in SUFFIXES if name.endswith(suffix)]
    if not fitting:
        found = Path(path).suffix
        what = f"ends in {found!r}, which is no form of a report" if found else "has no suffix to tell the form"
        raise BadReport(f"{os.fspath(path)} {what}; end it in one of {', '.join(SUFFIXES)}.")
    return max(fitting, key=len)


def check(path: str | PathLike[str]) -> None:
    """Say before any work what `save` could not do.

    Raises:
        BadReport: The suffix is unknown, or no file can be written there.
    """
    suffix_of(path)
    place = Path(path)
    if place.is_dir():
        raise BadReport(f"{place} is a folder; name a file in it.")
    folder = _target(place).parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(place, error) from error


def write(path: str | PathLike[str], data: bytes) -> None:
    """Write a file whole or not at all: under another name first, which then becomes the one that is meant.

    Raises:
        BadReport: It cannot be written.
    """
    target = _target(Path(path))
    made = ""
    try:
        handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(made, _mode(target))
        os.replace(made, target)
    except OSError as error:
        raise _unwritable(Path(path), error) from error
    finally:
        if made and os.path.exists(made):
            os.unlink(made)


def _target(path: Path) -> Path:
    """Return the file that is meant by a link, so that the link stays."""
    return Path(os.path.realpath(path))


def _mode(target: Path) -> int:
    """Return the permissions of the file that is replaced, those of any new file otherwise."""
    try:
        return os.stat(target).st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _unwritable(path: Path, error: OSError) -> BadReport:
    return BadReport(f"{path} cannot be written ({error.strerror}); name a file in a folder that you may write to.")
