"""The kept conversations on the page: the panel that lists them, and the address of each.

The browser holds the id of the conversation it shows, in a hidden field and in its address, so that a page outlives a
restart of the server. The id is only a name: what it opens depends on the owner (`ui.owner`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from index.errors import NotKept
from qa.conversations import END, HIT, SHOWN, Conversation, Conversations
from qa.report.notes import day
from qa.types import Turn
from ui.chat import messages
from ui.owner import owner
from ui.render import blank_desk, escape

ADDRESS = "id => { document.dispatchEvent(new CustomEvent('article-qa:talk', { detail: id })); }"
"""Tells the browser which conversation an answer was kept in."""

_AT = "() => new URLSearchParams(location.search).get('conversation') || ''"
_OPENED = "() => document.dispatchEvent(new Event('article-qa:opened'))"
_LOST = "() => document.dispatchEvent(new Event('article-qa:lost'))"
_TOLD = "told => { document.dispatchEvent(new CustomEvent('article-qa:told', { detail: told })); }"
_PAGE = 50  # conversations listed at a time
_MOST = 5_000
_NONE_SUCH = "There is no such conversation here."
_NO_COOKIES = (
    "Conversations are not kept, because this browser keeps no cookies for this page; allow them, and reload it."
)
_DELETED = "The conversation was deleted in another window; this question begins a new one."


class Talks:
    """What the page does with kept conversations; without a file to keep them in, nothing."""

    def __init__(self, kept: Conversations | None) -> None:
        self.kept = kept

    def keep(self, owner: str, talk: str, before: list[Turn], after: list[Turn]) -> tuple[str, list[Turn], str]:
        """Keep the turn that came last.

        Args:
            owner: Whose it is.
            talk: The conversation's id, "" for a new one.
            before: The turns as the page showed them.
            after: The same with the new one.

        Returns:
            The conversation's id, its turns with those of other windows, and what to tell.
        """
        if not self.kept:
            return "", after, ""
        if not owner:
            return "", after, _NO_COOKIES
        try:
            kept, number = self.kept.add(owner, talk, after[-1])
            if kept == talk or not talk:
                turns = after if number == len(before) else self.kept.turns(owner, kept) or after
                return kept, turns, ""
            return kept, after[-1:], _DELETED
        except NotKept as error:
            return talk, after, str(error)

    def open(self, owner: str, talk: str) -> tuple[list[Turn], str]:
        """Return the turns of a conversation, and what to tell."""
        if not self.kept:
            return [], _NONE_SUCH if talk else ""
        if not owner:
            return [], _NO_COOKIES
        try:
            turns = self.kept.turns(owner, talk)  # also for "": it tells what is wrong with the file
        except NotKept as error:
            return [], str(error)
        told = list(self.kept.notices)
        if turns is None:
            return [], " ".join([_NONE_SUCH, *told] if talk else told)
        if len(turns) == SHOWN:
            told.insert(0, f"The last {SHOWN:,} questions are shown.")
        return turns, " ".join(told)

    def turns(self, owner: str, talk: str, turns: list[Turn]) -> list[Turn]:
        """Return a session's turns; where the session has lost them, as after a restart, the kept ones."""
        return turns or (self.open(owner, talk)[0] if talk else turns)

    def panel(self, owner: str, talk: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what the panel asks: `list`, `rename` or `delete`.

        Args:
            owner: Whose conversations.
            talk: The one that is open.
            asked: `do`; for a list `search` and `limit`, else `id`, and to rename `title`.

        Returns:
            `html` for the list and `more`, whether there are others, or what became of it: `done`; and `told`.
        """
        text = partial(_text, asked)
        try:
            if not self.kept or not owner:
                return {"html": "", "more": False, "done": False, "told": _NO_COOKIES if self.kept else ""}
            if asked.get("do") == "rename":
                done = self.kept.rename(owner, text("id"), text("title"))
                return {"done": done, "told": "" if done else _NONE_SUCH}
            if asked.get("do") == "delete":
                done = self.kept.delete(owner, text("id"))
                return {"done": done, "told": "Deleted." if done else _NONE_SUCH}
            limit = max(_PAGE, min(int(asked.get("limit") or 0), _MOST))
            found = self.kept.find(owner, text("search"), limit=limit + 1)
        except NotKept as error:
            return {"html": "", "more": False, "done": False, "told": str(error)}
        shown = found[:limit]
        return {
            "html": "".join(_item(conversation, talk) for conversation in shown),
            "more": len(found) > limit,
            "told": _found(len(shown), len(found) > limit, text("search").strip()),
        }


def wire(
    gradio: Any,
    page: Any,
    talks: Talks,
    asked: Any,
    conversation: Any,
    turns: Any,
    talk: Any,
    note: Any,
    box: Any,
    desk: Any,
    script: str,
) -> None:
    """Put the panel into the page that is being built, and open what the page's address names.

    Args:
        gradio: The module; it has one home, `ui.web`.
        asked: The event that answers a question; another conversation ends it.
        talk: The hidden field with the id of the conversation that is shown.
        note: Where it is told what a person should know about it.
        script: What runs in the panel.
    """
    panel = gradio.HTML(blank_panel(), elem_id="talks", apply_default_css=False, js_on_load=script)
    parcel = gradio.JSON(visible=False)

    def opened(at: str, request: Any) -> tuple[Any, ...]:
        found, said = talks.open(owner(request), str(at or ""))
        return messages(found), found, at if found else "", told(said)

    def loaded(at: str, request: Any) -> tuple[Any, ...]:
        # A new conversation may have begun before this comes.
        return opened(at, request) if at else (gradio.skip(),) * 4

    def chosen(event: Any, request: Any) -> tuple[Any, ...]:
        return *opened(str((event._data or {}).get("id", "")), request), "", blank_desk()

    def done(at: str, event: Any, request: Any) -> dict[str, Any]:
        asked: dict[str, Any] = event._data or {}
        return talks.panel(owner(request), at, asked) | {"n": asked.get("n")}

    chosen.__annotations__["event"] = done.__annotations__["event"] = gradio.EventData
    for handler in (loaded, chosen, done):
        handler.__annotations__["request"] = gradio.Request

    quiet: Callable[..., dict[str, Any]] = partial(dict, show_progress="hidden", api_visibility="private")
    shown = [conversation, turns, talk, note]
    page.load(loaded, talk, shown, js=_AT, queue=False, **quiet())
    picked = panel.select(chosen, None, [*shown, box, desk], cancels=[asked], queue=False, **quiet())
    picked.then(None, js=_OPENED, **quiet())
    answered = panel.submit(done, talk, parcel, queue=False, trigger_mode="multiple", **quiet())
    answered.success(None, parcel, js=_TOLD, **quiet())
    answered.failure(None, js=_LOST, **quiet())


def blank_panel() -> str:
    """Return the panel, empty and shut."""
    return (
        '<dialog id="talks-panel" aria-labelledby="talks-title"><header><h2 id="talks-title">Conversations</h2>'
        '<button type="button" class="close">Close</button></header>'
        '<input type="search" class="search" aria-label="Search in questions and answers" '
        'placeholder="Search in questions and answers" autocomplete="off">'
        '<p class="told" role="status"></p><ul class="list" aria-label="Conversations"></ul>'
        '<button type="button" class="more" hidden>Show more</button></dialog>'
    )


def told(text: str) -> str:
    """Return what to tell above the conversation."""
    return f'<p class="notice" role="alert" dir="auto">{escape(text)}</p>' if text else ""


def _item(conversation: Conversation, talk: str) -> str:
    id, name = escape(conversation.id), escape(conversation.title)
    current = ' aria-current="page"' if conversation.id == talk else ""
    questions = f"{conversation.questions:,} question{'s' * (conversation.questions != 1)}"
    found = escape(conversation.found).replace(HIT, "<mark>").replace(END, "</mark>")
    excerpt = f'<span class="found" dir="auto">{found}</span>' if found else ""
    return (
        f'<li data-id="{id}"><a class="open" href="?conversation={id}"{current}>'
        f'<bdi class="title">{name}</bdi> {excerpt} <span class="when">'
        f'<time datetime="{escape(conversation.changed)}">{_day(conversation.changed)}</time> · {questions}</span></a>'
        f'<span class="do"><button type="button" class="rename" aria-label="Rename {name}">Rename</button>'
        f'<button type="button" class="delete" aria-label="Delete {name}">Delete</button></span></li>'
    )


def _day(moment: str) -> str:
    return escape(day(datetime.fromisoformat(moment).date().isoformat()))


def _found(count: int, more: bool, search: str) -> str:
    if search:
        return f"{count}{'+' * more} found." if count else "No conversation has these words."
    return "" if count else "There are none yet; each begins with a question."


def _text(asked: dict[str, Any], name: str) -> str:
    held = asked.get(name)
    return held[:1_000] if isinstance(held, str) else ""
