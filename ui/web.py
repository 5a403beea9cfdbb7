"""The web chat: a conversation on the left, the desk with the cited article on the right.

A click on a number goes to the server as the place in the conversation. There the session's own answer tells which
sentence was cited, so that the browser counts no offsets and no address can be forged.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from qa.assistant import Assistant
from qa.types import Turn
from ui import api, render, shelf, talks
from ui.chat import Chat, messages
from ui.owner import owner

if TYPE_CHECKING:
    import gradio as gr

_KEPT = frozenset({"GRADIO_TEMP_DIR"})
_UNPACK = "parcel => { document.dispatchEvent(new CustomEvent('article-qa:parcel', { detail: parcel })); }"

_SEND = "() => { document.querySelector('#question textarea').focus(); document.querySelector('#send').click(); }"

_FORMS = {
    "Markdown": ".md",
    "Web page": ".html",
    "Word": ".docx",
    "JSON": ".json",
    "Annotations": ".jsonld",
    "References": ".csl.json",
}


def build(assistant: Assistant, chat: Chat | None = None) -> gr.Blocks:
    """Build the page over an open library; `ui.server` shows it.

    Args:
        assistant: The open library; it stays the caller's to close.
        chat: What the page does; None for a new one.
    """
    gradio = _gradio()
    chat = chat or Chat(assistant)
    kept = talks.Talks(assistant.conversations)
    with gradio.Blocks(title="article-qa", analytics_enabled=False, fill_width=True) as page:
        turns = gradio.State([], time_to_live=24 * 3600)
        with gradio.Row(elem_id="masthead"):
            library = gradio.HTML(chat.library_line(), elem_id="library", js_on_load=None)
            gradio.Button("Library", elem_id="shelf-open", size="sm", scale=0)
            gradio.Button("Conversations", elem_id="talks-open", size="sm", scale=0, visible=kept.kept is not None)
            fresh = gradio.Button("New conversation", elem_id="fresh", size="sm", scale=0)
        with gradio.Row(elem_id="rooms"):
            with gradio.Column(elem_id="talk"):
                note = gradio.HTML("", elem_id="talk-note", js_on_load=None)
                conversation = gradio.Chatbot(
                    elem_id="conversation",
                    placeholder=chat.welcome(),
                    show_label=False,
                    label="Conversation",
                    container=False,
                    height=None,
                    layout="bubble",
                    buttons=[],
                    feedback_options=None,
                    latex_delimiters=[],
                    line_breaks=False,
                    sanitize_html=True,
                    allow_tags=False,
                    group_consecutive_messages=False,
                )
                chip = gradio.HTML("", elem_id="chip", js_on_load=None)
                with gradio.Row(elem_id="ask"):
                    box = gradio.Textbox(
                        elem_id="question",
                        label="Question",
                        show_label=False,
                        container=False,
                        placeholder="Ask about the articles",
                        lines=1,
                        max_lines=6,
                        autofocus=True,
                        scale=1,
                    )
                    send = gradio.Button("Ask", elem_id="send", variant="primary", scale=0, min_width=72)
                with gradio.Row(elem_id="take"):
                    copy = gradio.Button("Copy with citations", elem_id="copy", size="sm", scale=0)
                    gradio.HTML("<span>Download report</span>", elem_id="download", js_on_load=None)
                    downloads = {suffix: gradio.Button(form, size="sm", scale=0) for form, suffix in _FORMS.items()}
                    parcel = gradio.JSON(visible=False)
            with gradio.Column(elem_id="reading-room"):
                desk = gradio.HTML(
                    render.blank_desk(),
                    elem_id="desk",
                    apply_default_css=False,
                    js_on_load=_file("page.js") + _file("trail.js"),
                )
        api.add(gradio, assistant)
        talk, within = gradio.Textbox(visible=False), gradio.Textbox(visible=False)
        asked = _wire(
            gradio, page, chat, kept, library, fresh, conversation, box, send, desk, turns, talk, note, within
        )
        if kept.kept:
            talks.wire(gradio, page, kept, asked, conversation, turns, talk, note, box, desk, _file("talks.js"))

        def changed() -> tuple[str, Any]:
            return chat.library_line(), gradio.update(placeholder=chat.welcome())

        books = shelf.Shelf(assistant, chat.changed)
        shelf.wire(gradio, page, books, chip, within, changed, [library, conversation], _file("shelf.js"))
        packs: dict[Any, Callable[[list[Turn]], Any]] = {b: partial(chat.downloaded, s) for s, b in downloads.items()}
        for button, pack in {copy: chat.copied, **packs}.items():
            packed = button.click(
                _packed(gradio, kept, pack),
                [turns, talk],
                parcel,
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )
            packed.then(None, parcel, js=_UNPACK, show_progress="hidden", api_visibility="private")
    return page


def _wire(
    gradio: Any,
    page: Any,
    chat: Chat,
    kept: talks.Talks,
    library: Any,
    fresh: Any,
    conversation: Any,
    box: Any,
    send: Any,
    desk: Any,
    turns: Any,
    talk: Any,
    note: Any,
    within: Any,
) -> Any:
    def reply(question: str, so_far: list[Turn], at: str, only: str, request: Any) -> Iterator[tuple[Any, ...]]:
        so_far = kept.turns(owner(request), at, so_far)
        for shown, after, typed in chat.reply(question or "", so_far, shelf.held(only)):
            told: tuple[Any, Any] = gradio.skip(), gradio.skip()
            if len(after) > len(so_far):
                now, after, said = kept.keep(owner(request), at, so_far, after)
                shown, told = messages(after), (now, talks.told(said))
            yield shown, after, gradio.skip() if typed is None else typed, *told

    def opened(so_far: list[Turn], at: str, event: Any, request: Any) -> Any:
        html = chat.open(str((event._data or {}).get("place", "")), kept.turns(owner(request), at, so_far))
        return gradio.skip() if html is None else html

    def offered(event: Any) -> str:
        return str((event._data or {}).get("question", ""))

    # Gradio hands the event to an argument with this annotation, which it looks up at run time.
    offered.__annotations__["event"] = opened.__annotations__["event"] = gradio.EventData
    reply.__annotations__["request"] = opened.__annotations__["request"] = gradio.Request

    quiet: Callable[..., dict[str, Any]] = partial(dict, show_progress="hidden", api_visibility="private")
    asked = gradio.on(
        [box.submit, send.click],
        reply,
        [box, turns, talk, within],
        [conversation, turns, box, talk, note],
        trigger_mode="always_last",  # a question that is sent while another is answered comes next
        concurrency_id=api.QUESTIONS,
        **quiet(),
    )
    asked.success(None, talk, js=talks.ADDRESS, **quiet())  # not when another conversation took its place
    example = desk.select(offered, None, box, queue=False, **quiet())
    example.then(None, js=_SEND, **quiet())
    placed = desk.click(opened, [turns, talk], desk, queue=False, trigger_mode="multiple", **quiet())
    placed.then(None, js="() => document.dispatchEvent(new Event('article-qa:placed'))", **quiet())
    cleared = fresh.click(
        lambda: ([], [], "", render.blank_desk(), "", ""),
        None,
        [conversation, turns, box, desk, talk, note],
        cancels=[asked],
        queue=False,
        **quiet(),
    )
    cleared.then(None, js="() => document.dispatchEvent(new Event('article-qa:cleared'))", **quiet())
    page.load(chat.library_line, None, library, queue=False, **quiet())
    page.load(lambda: gradio.update(placeholder=chat.welcome_with_examples()), None, conversation, **quiet())
    return asked


def _packed(gradio: Any, kept: talks.Talks, pack: Callable[[list[Turn]], Any]) -> Callable[..., Any]:
    """Return what packs a conversation, after a restart too."""

    def packed(so_far: list[Turn], at: str, request: Any) -> Any:
        return pack(kept.turns(owner(request), at, so_far))

    packed.__annotations__["request"] = gradio.Request
    return packed


def theme() -> Any:
    """Return the plain theme; its fonts are those of the system, so that none is fetched."""
    gradio = _gradio()
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gradio.themes.Base(font=sans, font_mono=mono).set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#181715",
        body_text_color="#24221f",
        body_text_color_dark="#e8e4db",
        button_primary_background_fill="#1c5570",  # of the form to log in, which has the theme and no style of ours
        button_primary_background_fill_dark="#93c9e0",
        button_primary_background_fill_hover="#1c5570",
        button_primary_background_fill_hover_dark="#93c9e0",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#1f1e1b",
    )


def head() -> str:
    """Return what stands in the page's head: its style, as `css` would be rewritten, and rules of @media wrongly."""
    return f"<style>{_file('page.css')}{_file('talks.css')}{_file('shelf.css')}</style>"


def _gradio() -> Any:
    """Import Gradio with its doors shut: nothing is inherited that shares, serves files, or calls home."""
    for variable in [name for name in os.environ if name.startswith("GRADIO_") and name not in _KEPT]:
        del os.environ[variable]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with _no_stubs():
        import gradio

    return gradio


@contextmanager
def _no_stubs() -> Iterator[None]:
    """Keep Gradio from writing type stubs of its components while it is imported: half of the time it takes."""
    getfile = inspect.getfile

    def nowhere(found: Any) -> str:
        if isinstance(found, type) and found.__module__.startswith("gradio."):
            raise OSError("It has no file.")  # for a component like that Gradio writes no stub
        return getfile(found)

    inspect.getfile = nowhere  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = getfile


def _file(name: str) -> str:
    return files("ui").joinpath(name).read_text("utf-8")
