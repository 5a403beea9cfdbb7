"""The library's table and what stands around it, as HTML; pure functions, no page."""

from __future__ import annotations

from collections.abc import Sequence

from index.types import Entry, Within
from qa.report.notes import day
from ui.render import escape

COLUMNS = {"title": "Title", "source": "Source", "published": "Date", "sentences": "Sentences", "state": "State"}
"""What the table can be sorted by, with its heading."""

_STATES = {"ok": "Ready", "copy": "Copy", "refused": "Not read", "removed": "Removed"}


def panel(kinds: Sequence[str], size: int) -> str:
    """Return the panel, empty and shut.

    Args:
        kinds: The endings of the files that are read.
        size: Bytes of a file.
    """
    heads = "".join(
        f'<th role="columnheader" scope="col" data-by="{name}" class="{name}">'
        f'<button type="button" class="sort">{label}<span class="arrow" aria-hidden="true"></span></button></th>'
        for name, label in COLUMNS.items()
    )
    return (
        f'<dialog id="shelf-panel" aria-labelledby="shelf-title" data-kinds="{escape(" ".join(sorted(kinds)))}"'
        f' data-size="{size}"><header><h2 id="shelf-title">Library</h2>'
        '<button type="button" class="close">Close</button></header><div class="body">'
        '<section class="fill" aria-label="Add articles"><div class="drop">'
        '<p>Drop files here, or <button type="button" class="choose">choose files</button></p>'
        f'<p class="kinds">{escape(" ".join(sorted(kinds)))}, up to {size // 2**20} MB each</p>'
        '<input type="file" class="files" multiple hidden tabindex="-1" aria-label="Files to add"></div>'
        '<form class="fetch"><label for="shelf-url">Address of a page</label><span class="row">'
        '<input id="shelf-url" class="url" type="text" inputmode="url" placeholder="https://" autocomplete="off"'
        ' spellcheck="false"><button type="submit">Add page</button></span></form>'
        '<button type="button" class="sync">Read the folder again</button>'
        '<ul class="lines" role="log" aria-label="What became of it"></ul></section>'
        '<form class="narrow"><details><summary>Ask only some of the articles</summary>'
        '<fieldset class="sources"><legend>Sources</legend><div class="choices"></div></fieldset>'
        '<span class="row"><label>First day <input type="date" class="since"></label>'
        '<label>Last day <input type="date" class="until"></label></span>'
        '<p class="hint">While a day is set, articles without a date are left out.</p>'
        '<span class="row"><button type="submit">Ask only these</button>'
        '<button type="button" class="all">Ask all</button></span></details></form>'
        '<p class="told" role="status"></p>'
        '<input type="search" class="search" aria-label="Search in titles, sources and dates"'
        ' placeholder="Search in titles, sources and dates" autocomplete="off">'
        f'<table role="table" aria-label="Articles"><thead role="rowgroup"><tr role="row">{heads}'
        '<th role="columnheader" scope="col" class="do"><span class="unseen">Actions</span></th></tr></thead>'
        '<tbody role="rowgroup"></tbody></table>'
        '<button type="button" class="more" hidden>Show more</button></div></dialog>'
    )


def rows(entries: Sequence[Entry]) -> str:
    """Return lines of the table."""
    return "".join(map(_row, entries))


def sources(entries: Sequence[Entry], chosen: Within) -> str:
    """Return the sources to choose from, those with the most articles first."""
    counts: dict[str, int] = {}
    for entry in entries:
        if entry.state in ("ok", "copy"):
            counts[entry.source] = counts.get(entry.source, 0) + 1
    return "".join(
        f'<label><input type="checkbox" value="{escape(source)}"{" checked" * (source in chosen.sources)}>'
        f'<bdi>{escape(source) or "<i>No named source</i>"}</bdi> <span class="count">{count:,}</span></label>'
        for source, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].casefold()))
    )


def chip(within: Within, titles: Sequence[str] = ()) -> str:
    """Return the filter that holds, with what takes it away; nothing where none does.

    Args:
        within: The filter.
        titles: Of the articles in it, in its order.
    """
    if not within:
        return ""
    named = [f"in “{titles[0]}”"] if len(titles) == 1 else [f"in {len(titles)} articles"] if titles else []
    rest = str(Within(within.sources, within.since, within.until))
    told = escape(", ".join([*named, *([rest] if rest else [])]))
    return (
        f'<p class="chip"><span class="only">Asking only articles</span> <bdi>{told}</bdi>'
        '<button type="button" class="everything" aria-label="Ask all articles again">Ask all</button></p>'
    )


def _row(entry: Entry) -> str:
    name = escape(entry.title)
    where = (
        f'<span class="where" dir="ltr">{escape(entry.article_id)}</span>' if entry.title != entry.article_id else ""
    )
    note = f"of {entry.note}" if entry.state == "copy" else entry.note
    why = f'<span class="note" dir="auto">{escape(note)}</span>' if note else ""
    do = ""
    if entry.state in ("ok", "copy"):
        do = (
            f'<button type="button" class="only" aria-label="Ask only this: {name}">Ask only this</button>'
            f'<button type="button" class="remove" aria-label="Remove {name}">Remove</button>'
        )
    elif entry.state == "removed":
        do = f'<button type="button" class="restore" aria-label="Bring back {name}">Bring back</button>'
    sentences = f"{entry.sentences:,}" if entry.state in ("ok", "copy") else ""
    return (
        f'<tr role="row" data-id="{escape(entry.article_id)}" class="{entry.state}">'
        f'<th role="rowheader" scope="row" class="title"><bdi>{name}</bdi>{where}</th>'
        f'<td role="cell" class="source"><bdi>{escape(entry.source)}</bdi></td>'
        f'<td role="cell" class="published">{escape(day(entry.published))}</td>'
        f'<td role="cell" class="sentences">{sentences}</td>'
        f'<td role="cell" class="state"><span class="name">{_STATES[entry.state]}</span>{why}</td>'
        f'<td role="cell" class="do">{do}</td></tr>'
    )
