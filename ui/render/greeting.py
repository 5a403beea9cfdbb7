"""The greeting of an empty conversation, and the line on top."""

from __future__ import annotations

from collections.abc import Sequence

from ui.render.text import count, escape


def welcome(articles: int, examples: Sequence[str]) -> str:
    """Return the greeting of an empty conversation over a library that holds articles."""
    offered = "".join(f'<button type="button" class="example" dir="auto">{escape(text)}</button>' for text in examples)
    tried = f'<p class="try">For example</p><div class="examples">{offered}</div>' if offered else ""
    return (
        '<div class="welcome"><h2>Ask your articles</h2>'
        f"<p>Every answer is made of exact sentences from {count(articles, 'article')}. "
        f"Where they do not answer, it says so.</p>{tried}</div>"
    )


def welcome_empty(folder: str, kinds: Sequence[str]) -> str:
    """Return the greeting of a library without articles: how to fill it."""
    where = f'<code dir="ltr">{escape(folder)}</code>' if folder else "the articles folder"
    return (
        '<div class="welcome"><h2>There are no articles yet</h2><p>There are two ways to fill the library.</p>'
        '<ul class="ways"><li>Drop files on this page, or name the address of a web page. '
        '<button type="button" class="fill">Add articles</button></li>'
        f'<li>Put files into {where}. <button type="button" class="resync">Read the folder</button></li></ul>'
        f'<p class="kinds">Files that are read: {escape(" ".join(sorted(kinds)))}</p></div>'
    )


def library_line(articles: int, sentences: int, notices: Sequence[str], refused: Sequence[str], files: int) -> str:
    """Return the line on top: what is in the library, and what a person should know about it.

    Args:
        refused: What was refused and why, files and lines of files.
        files: How many files these are.
    """
    counts = f"{count(articles, 'article')}, {count(sentences, 'sentence')}"
    line = f'<h1 class="name">article-qa</h1><p class="counts">{counts}</p>'
    told = "".join(f'<p class="notice" dir="auto">{escape(text)}</p>' for text in notices)
    if refused:
        lines = "".join(f'<li dir="auto">{escape(text)}</li>' for text in refused)
        summary = f"<summary>{count(files, 'file')} not read</summary>"
        told += f'<details class="notice">{summary}<ul>{lines}</ul></details>'
    return line + told
