"""The library on the page: the panel with its table, what is added and removed there, and the filter for questions.

The browser sends files one after another and asks for one thing at a time; each has a number, by which the browser
knows what an answer belongs to. The filter that holds is kept in the browser, so that it outlives a restart.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from index.errors import ArticleQAError, BadFilter, UnreadableFile
from index.formats import FILE_BYTES, SUFFIXES
from index.parser import contents
from index.sync import Step
from index.types import Entry, Within
from qa.assistant import Assistant
from qa.types import Added
from ui import render_shelf

log = logging.getLogger(__name__)

_LOST = "() => document.dispatchEvent(new Event('article-qa:shelf-lost'))"
_TOLD = "told => { document.dispatchEvent(new CustomEvent('article-qa:shelf', { detail: told })); }"
_PAGE = 100  # lines of the table at a time
_MOST = 10_000
_NAME = 1_000  # characters of anything that the browser names
_MOVING = 5.0  # seconds that an uploaded file may take to its place
_EMPTY = "There are no articles yet: drop files above, name a page, or put files into the folder and read it."
_BROKEN = "Something went wrong; try again, and look into the log if it stays."


class Shelf:
    """What the panel asks for, on one open library.

    Args:
        assistant: The open library.
        changed: Called when its articles are others.
    """

    def __init__(self, assistant: Assistant, changed: Callable[[], None] = lambda: None) -> None:
        self._assistant = assistant
        self._changed = changed
        self._step = Step("", 0, 0)
        self._syncing = threading.Lock()

    def do(self, asked: dict[str, Any], uploaded: set[str]) -> dict[str, Any]:
        """Do what the browser asks for.

        Args:
            asked: `do`: `list`, `add`, `url`, `remove`, `restore`, `sync` or `step`; and what belongs to it.
            uploaded: The paths of the files that were uploaded; no other one is read.

        Returns:
            `ok`, `told` in a sentence, and whether the library `changed`; of a list its lines too.
        """
        doing = {"list": self._list, "url": self._url, "remove": self._remove, "restore": self._restore}
        try:
            what = _text(asked, "do")
            if what == "add":
                return self._add(asked, uploaded)
            if what == "sync":
                return self._sync()
            if what == "step":
                return {"ok": True, "told": _stepped(self._step)}
            return doing[what](asked) if what in doing else {"ok": False, "told": _BROKEN}
        except ArticleQAError as error:
            return {"ok": False, "told": str(error)}
        except Exception:
            log.exception("The library could not do what it was asked.")
            return {"ok": False, "told": _BROKEN}

    def filter(self, asked: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        """Set the filter for the next questions.

        Returns:
            The filter as the browser keeps it, how it is shown, and what to tell.
        """
        try:
            within = wanted(asked)
            entries = {entry.article_id: entry for entry in self._assistant.library()}
            count = sum(_passes(within, entry) for entry in entries.values())
            if within and not count:
                raise BadFilter(f"There is no article {within}; choose another filter, or none.")
        except ArticleQAError as error:
            return "", "", {"ok": False, "told": str(error)}
        titles = [entries[i].title for i in within.articles if i in entries]
        held = f"{count:,} article{'s are' if count != 1 else ' is'} asked from now on." if within else "All are asked."
        return kept(within), render_shelf.chip(within, titles), {"ok": True, "told": held}

    def _list(self, asked: dict[str, Any]) -> dict[str, Any]:
        entries = self._assistant.library()
        search, by = _text(asked, "search").casefold().split(), _text(asked, "by")
        found = [entry for entry in entries if all(word in _searched(entry) for word in search)]
        found.sort(key=_ORDERS.get(by, _ORDERS["title"]), reverse=bool(asked.get("down")))
        limit = max(_PAGE, min(int(asked.get("limit") or 0), _MOST))
        return {
            "ok": True,
            "rows": render_shelf.rows(found[:limit]),
            "more": len(found) > limit,
            "sources": render_shelf.sources(entries, held(str(asked.get("within") or ""))),
            "told": _listed(found, bool(search)) if entries else _EMPTY,
        }

    def _add(self, asked: dict[str, Any], uploaded: set[str]) -> dict[str, Any]:
        path, name = _text(asked, "path"), _text(asked, "name")
        if path not in uploaded:
            return {"ok": False, "told": "The file did not arrive; send it again."}
        try:
            until = time.monotonic() + _MOVING
            while not os.path.exists(path) and time.monotonic() < until:
                time.sleep(0.05)
            return self._told(name, self._assistant.add(name, contents(Path(path), name)))
        except UnreadableFile as error:
            return {"ok": False, "told": f"{error.found[:1].upper()}{error.found[1:]}."}
        finally:
            uploaded.discard(path)
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _url(self, asked: dict[str, Any]) -> dict[str, Any]:
        url = asked.get("url")
        return self._told("", self._assistant.add_url(url if isinstance(url, str) else ""))

    def _told(self, name: str, added: Added) -> dict[str, Any]:
        self._changed()
        known = self._assistant.article
        said = {
            "added": "Added",
            "updated": "Fetched again",
            "there": "This file is there already",
            "restored": "Brought back",
        }[added.state]
        titles = [known(article_id).title for article_id in added.articles[:1]]
        what = f"“{titles[0]}”" if len(added.articles) == 1 else f"{len(added.articles):,} articles"
        file = added.file.rpartition("/")[2]
        where = f" as {file}" if name and added.state == "added" and file != name else ""
        notes = [f"{said}{where}: {what}", *(f"not read: {line}" for line in added.refused[:5]), *added.notes[:2]]
        return {"ok": True, "told": "; ".join(notes), "changed": added.state != "there"}

    def _remove(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._assistant.remove(str(asked.get("id") or ""))
        self._changed()
        return {"ok": True, "told": "Removed until its text changes; its file stays.", "changed": True}

    def _restore(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._assistant.restore(str(asked.get("id") or ""))
        self._changed()
        return {"ok": True, "told": "Brought back.", "changed": True}

    def _sync(self) -> dict[str, Any]:
        if not self._syncing.acquire(blocking=False):
            return {"ok": False, "told": "The folder is being read already; wait for it to end."}
        try:
            report = self._assistant.sync(self._stepped)
        finally:
            self._step = Step("", 0, 0)
            self._syncing.release()
        self._changed()
        return {"ok": True, "told": f"The folder was read: {report.summary()}.", "changed": True}

    def _stepped(self, step: Step) -> None:
        self._step = step


def wire(
    gradio: Any, page: Any, shelf: Shelf, chip: Any, within: Any, refresh: Callable[[], Sequence[Any]], shown: Any,
    script: str,
) -> None:  # fmt: skip
    """Put the panel into the page that is being built.

    Args:
        gradio: The module; it has one home, `ui.web`.
        chip: Where the filter that holds is shown.
        within: The hidden field in which the browser keeps it.
        refresh: Gives the values of `shown` once the library has changed.
        shown: What tells of the library elsewhere on the page.
        script: What runs in the panel.
    """
    blank = render_shelf.panel(sorted(SUFFIXES), FILE_BYTES)
    panel = gradio.HTML(blank, elem_id="shelf", apply_default_css=False, js_on_load=script)
    parcel = gradio.JSON(visible=False)

    def done(event: Any) -> dict[str, Any]:
        asked: dict[str, Any] = event._data or {}
        return shelf.do(asked, page.upload_file_set) | {"n": asked.get("n")}

    def filtered(before: str, event: Any) -> tuple[Any, ...]:
        asked: dict[str, Any] = event._data or {}
        now, html, told = shelf.filter(asked)
        return *((now, html) if told["ok"] else (gradio.skip(), gradio.skip())), told | {"n": asked.get("n")}

    done.__annotations__["event"] = filtered.__annotations__["event"] = gradio.EventData
    quiet: Callable[..., dict[str, Any]] = partial(dict, show_progress="hidden", api_visibility="private")
    for event, handler, given, outputs in (
        (panel.submit, done, None, parcel),
        (panel.select, filtered, within, [within, chip, parcel]),
    ):
        answered = event(handler, given, outputs, queue=False, trigger_mode="multiple", **quiet())
        answered.success(None, parcel, js=_TOLD, **quiet())
        answered.failure(None, js=_LOST, **quiet())
    panel.change(refresh, None, shown, queue=False, **quiet())


def held(kept: str) -> Within:
    """Return the filter that the browser keeps; all articles for what is none."""
    try:
        asked = json.loads(kept) if kept else {}
        return wanted(asked) if isinstance(asked, dict) else Within()
    except (ValueError, BadFilter, RecursionError):
        return Within()


def kept(within: Within) -> str:
    """Return a filter as the browser keeps it, "" for none."""
    parts = {"sources": within.sources, "since": within.since, "until": within.until, "articles": within.articles}
    return json.dumps(parts) if within else ""


def wanted(asked: dict[str, Any]) -> Within:
    """Return the filter that is asked for.

    Raises:
        BadFilter: A day that is none, or a last day before the first.
    """
    lists = [asked.get(name) for name in ("sources", "articles")]
    sources, articles = (tuple(map(str, one)) if isinstance(one, (list, tuple)) else () for one in lists)
    return Within(sources, _text(asked, "since"), _text(asked, "until"), articles)


def _passes(within: Within, entry: Entry) -> bool:
    return (
        entry.state in ("ok", "copy")
        and (not within.sources or entry.source.lower() in map(str.lower, within.sources))  # as the library has it
        and (not within.articles or entry.article_id in within.articles)
        and (not within.since or entry.published >= within.since)
        and (not within.until or "" < entry.published <= within.until)
    )


_ORDERS: dict[str, Callable[[Entry], Any]] = {
    "title": lambda entry: (entry.title.casefold(), entry.article_id),
    "source": lambda entry: (entry.source.casefold(), entry.title.casefold(), entry.article_id),
    "published": lambda entry: (entry.published, entry.title.casefold(), entry.article_id),
    "sentences": lambda entry: (entry.sentences, entry.title.casefold(), entry.article_id),
    "state": lambda entry: (entry.state != "refused", entry.state, entry.title.casefold(), entry.article_id),
}


def _searched(entry: Entry) -> str:
    return f"{entry.title}\n{entry.source}\n{entry.published}\n{entry.article_id}\n{entry.state}".casefold()


def _listed(found: Sequence[Entry], searched: bool) -> str:
    """Say how many articles were found, and how many files and articles that cannot be asked."""
    if not found:
        return "None has these words in title, source or date."
    refused, removed = (sum(entry.state == state for entry in found) for state in ("refused", "removed"))
    counts = [(len(found) - refused - removed, "article"), (refused, "file not read"), (removed, "removed")]
    told = [f"{count:,} {what}{'s' * (what == 'article' and count != 1)}" for count, what in counts if count]
    return ", ".join(told) + (" found." if searched else ".")


def _stepped(step: Step) -> str:
    if not step.stage:
        return "Reading the folder…"
    name = "".join(c if c.isprintable() else "?" for c in step.name)[-60:]
    return f"{step.stage} {step.done:,} of {step.total:,}{f': {name}' if name else ''}…"


def _text(asked: dict[str, Any], name: str) -> str:
    found = asked.get(name)
    return found[:_NAME] if isinstance(found, str) else ""
