"""The web chat: a conversation on the left, the desk with the cited article on the right.

A click on a number goes to the server as the place in the conversation. There the session's own answer tells which
sentence was cited, so that the browser counts no offsets and no address can be forged.
"""

from __future__ import annotations

import base64
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from index.errors import ArticleQAError
from index.formats import SUFFIXES
from index.types import Article
from qa.assistant import Assistant
from qa.examples import examples
from qa.report.save import content
from qa.types import Answer, Citation, Report, Turn
from ui import render

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
REMEMBERED = 20
"""Turns that a question is read with."""

_PORTS = 100  # to try, from the one asked for
_WAITING = 64  # questions
_SESSIONS = 1_000
_TOKENS_EVERY = 0.15  # seconds; the page is redrawn for each
_EXAMPLES_WITHIN = 60  # seconds that the greeting waits for its examples
_KEPT = frozenset({"GRADIO_TEMP_DIR"})
_UNPACK = "parcel => { document.dispatchEvent(new CustomEvent('article-qa:parcel', { detail: parcel })); }"
_BROKEN = "Something went wrong while looking for the answer; ask again, and look into the log if it stays."

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'self'"
)  # Gradio needs what is unsafe; what matters is that nothing leads to another host
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]

_FORMS = {"Markdown": ".md", "Web page": ".html", "Word": ".docx", "JSON": ".json"}

Message = dict[str, str]


class Chat:
    """What the page does, on one open library; what belongs to a visitor is handed in and out."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._examples: list[str] = []
        self._warm = threading.Event()

    def warm(self) -> None:
        """Load the encoder and find example questions; whatever goes wrong shows when a person asks."""
        try:
            if self._assistant.counts()[0]:
                self._assistant.warm()
                self._examples = examples(self._assistant)
        except Exception:
            log.warning("The first question will wait for the encoder.", exc_info=True)
        finally:
            self._warm.set()

    def library_line(self) -> str:
        """Return the line on top."""
        articles, sentences, _ = self._assistant.counts()
        report = self._assistant.report
        refused = [str(error) for error in report.refused] if report else []
        return render.library_line(articles, sentences, self._assistant.notices, refused)

    def welcome(self) -> str:
        """Return the greeting of an empty conversation, with the examples known by now."""
        articles = self._assistant.counts()[0]
        if articles:
            return render.welcome(articles, self._examples)
        folder = self._assistant.folder
        return render.welcome_empty(str(folder.resolve()) if folder else "", sorted(SUFFIXES))

    def welcome_with_examples(self) -> str:
        """Return the greeting once the examples are known."""
        self._warm.wait(_EXAMPLES_WITHIN)
        return self.welcome()

    def reply(self, question: str, turns: list[Turn]) -> Iterator[tuple[list[Message], list[Turn], str | None]]:
        """Answer a question: the conversation while searching, then with the answer.

        Yields:
            The messages, the turns, and what stands in the question box, None for what a person typed there meanwhile.
        """
        if not question.strip():
            yield messages(turns), turns, ""
            return
        try:
            articles = self._assistant.counts()[0]
        except ArticleQAError as error:
            yield messages([*turns, Turn(question, str(error))]), turns, question
            return
        yield [*messages(turns), *_asking(question, articles)], turns, ""
        history = [turn for turn in turns if not isinstance(turn.answer, str)][-REMEMBERED:]
        said, turn, shown = "", Turn(question, _BROKEN), 0.0
        try:
            for event in self._assistant.stream(question, history):
                said += event.text if event.kind == "token" else ""
                if said and event.kind == "token" and time.monotonic() - shown > _TOKENS_EVERY:
                    shown = time.monotonic()
                    yield [*messages(turns), *_asking(question, articles, said)], turns, None
                if event.answer is not None:
                    turn = Turn(question, event.answer)
        except ArticleQAError as error:
            turn = Turn(question, str(error))
        except Exception:
            log.exception("A question failed.")
            turn = Turn(question, _BROKEN)
        turns = [*turns, turn]
        yield messages(turns), turns, question if isinstance(turn.answer, str) else None

    def open(self, address: str, turns: list[Turn]) -> str | None:
        """Return the article that a link of the conversation points at, None if it points nowhere."""
        citation = _citation(address, turns)
        return render.desk(self._article(citation.article_id), citation) if citation else None

    def copied(self, turns: list[Turn]) -> dict[str, str]:
        """Return the conversation as Markdown, for the clipboard."""
        return {"copy": _report(turns).to_markdown()}

    def downloaded(self, suffix: str, turns: list[Turn]) -> dict[str, str]:
        """Return the conversation as a file: its name, and its content in base64."""
        report = _report(turns)
        data = base64.b64encode(content(report, suffix)).decode("ascii")
        return {"name": f"article-qa {report.made}{suffix}", "data": data}

    def _article(self, article_id: str) -> Article | None:
        try:
            return self._assistant.article(article_id)
        except ArticleQAError:
            return None


def messages(turns: list[Turn]) -> list[Message]:
    """Return a conversation as the messages of a chatbot."""
    return [
        message
        for index, turn in enumerate(turns)
        for message in (
            {"role": "user", "content": render.question(turn.question)},
            {"role": "assistant", "content": render.message(turn, index)},
        )
    ]


def build(assistant: Assistant, chat: Chat | None = None) -> gr.Blocks:
    """Build the page over an open library; `start` and `serve` show it.

    Args:
        assistant: The open library; it stays the caller's to close.
        chat: What the page does; None for a new one.
    """
    gradio = _gradio()
    chat = chat or Chat(assistant)
    with gradio.Blocks(title="article-qa", analytics_enabled=False, fill_width=True) as page:
        turns = gradio.State(list, time_to_live=24 * 3600)
        with gradio.Row(elem_id="masthead"):
            library = gradio.HTML(chat.library_line(), elem_id="library", js_on_load=None)
            fresh = gradio.Button("New conversation", elem_id="fresh", size="sm", scale=0)
        with gradio.Row(elem_id="rooms"):
            with gradio.Column(elem_id="talk"):
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
                    render.blank_desk(), elem_id="desk", apply_default_css=False, js_on_load=_file("page.js")
                )
        _wire(gradio, page, chat, library, fresh, conversation, box, send, desk, turns)
        for button, pack in [(copy, chat.copied), *((b, partial(chat.downloaded, s)) for s, b in downloads.items())]:
            packed = button.click(pack, turns, parcel, queue=False, show_progress="hidden", api_visibility="private")
            packed.then(None, parcel, js=_UNPACK, show_progress="hidden", api_visibility="private")
    return page


def start(assistant: Assistant, *, port: int = 7860, users: int = 8, open_browser: bool = False) -> gr.Blocks:
    """Show the page and return; its `local_url` is the address, its `close()` ends it.

    Args:
        assistant: The open library.
        port: Where to listen; the next free one if it is taken.
        users: Questions that are answered at the same time.
        open_browser: Whether to open the page in the browser.

    Raises:
        ArticleQAError: No port is free.
    """
    gradio = _gradio()
    chat = Chat(assistant)
    page = build(assistant, chat)
    page.queue(max_size=_WAITING, default_concurrency_limit=users)
    candidates = range(port, min(port + _PORTS, 65536))
    for candidate in filter(_free, candidates):
        try:
            page.launch(
                server_name=HOST,
                server_port=candidate,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                quiet=True,
                share=False,
                show_error=False,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                run_history=False,
                enable_monitoring=False,
                footer_links=[],
                max_threads=users + 32,
                state_session_capacity=_SESSIONS,
                app_kwargs={"middleware": _middleware()},
                theme=_theme(gradio),
                head=f"<style>{_file('page.css')}</style>",  # `css` would be rewritten, rules of @media wrongly
            )
            break
        except OSError:  # taken meanwhile
            continue
    else:
        raise ArticleQAError(f"No port from {port} to {candidates[-1]} is free; name another with --port.")
    threading.Thread(target=chat.warm, name="warm", daemon=True).start()
    return page


def serve(assistant: Assistant, *, port: int, users: int, open_browser: bool = False) -> None:
    """Show the page until Ctrl-C; its address is printed once it is up.

    Raises as `start` does.
    """
    page = start(assistant, port=port, users=users, open_browser=open_browser)
    try:
        sys.stdout.write(f"{page.local_url.rstrip('/')}\n")
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        page.close(verbose=False)


def _wire(
    gradio: Any,
    page: Any,
    chat: Chat,
    library: Any,
    fresh: Any,
    conversation: Any,
    box: Any,
    send: Any,
    desk: Any,
    turns: Any,
) -> None:
    def reply(question: str, so_far: list[Turn], event: Any) -> Iterator[tuple[list[Message], list[Turn], Any]]:
        offered = (event._data or {}).get("question") if event else None
        for shown, after, kept in chat.reply(str(offered or question or ""), so_far):
            yield shown, after, gradio.skip() if kept is None else kept

    def opened(so_far: list[Turn], event: Any) -> Any:
        html = chat.open(str((event._data or {}).get("place", "")), so_far)
        return gradio.skip() if html is None else html

    # Gradio hands the event to an argument with this annotation, which it looks up at run time.
    reply.__annotations__["event"] = opened.__annotations__["event"] = gradio.EventData

    quiet: Callable[..., dict[str, Any]] = partial(dict, show_progress="hidden", api_visibility="private")
    asked = gradio.on(
        [box.submit, send.click, desk.select],
        reply,
        [box, turns],
        [conversation, turns, box],
        trigger_mode="always_last",  # a question that is sent while another is answered comes next
        **quiet(),
    )
    placed = desk.click(opened, turns, desk, queue=False, trigger_mode="multiple", **quiet())
    placed.then(None, js="() => document.dispatchEvent(new Event('article-qa:placed'))", **quiet())
    cleared = fresh.click(
        lambda: ([], [], "", render.blank_desk()),
        None,
        [conversation, turns, box, desk],
        cancels=[asked],
        queue=False,
        **quiet(),
    )
    cleared.then(None, js="() => document.dispatchEvent(new Event('article-qa:cleared'))", **quiet())
    page.load(chat.library_line, None, library, queue=False, **quiet())
    page.load(lambda: gradio.update(placeholder=chat.welcome_with_examples()), None, conversation, **quiet())


def _free(port: int) -> bool:
    """Say whether nobody listens on a port; Gradio's own check leaves its socket open."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _report(turns: list[Turn]) -> Report:
    return Report([turn.answer for turn in turns if isinstance(turn.answer, Answer)])


def _asking(question: str, articles: int, said: str = "") -> list[Message]:
    return [
        {"role": "user", "content": render.question(question)},
        {"role": "assistant", "content": render.unchecked(said) if said else render.searching(articles)},
    ]


def _citation(address: str, turns: list[Turn]) -> Citation | None:
    place = render.place(address)
    if place is None or place.turn >= len(turns):
        return None
    answer = turns[place.turn].answer
    if isinstance(answer, str):
        return None
    shown = answer.citations if place.cited else answer.closest
    return next((citation for citation in shown if citation.number == place.number), None)


def _gradio() -> Any:
    """Import Gradio with its doors shut: nothing is inherited that shares, serves files, or calls home."""
    for variable in [name for name in os.environ if name.startswith("GRADIO_") and name not in _KEPT]:
        del os.environ[variable]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio

    return gradio


class _Policy:
    """ASGI middleware: the browser is told to talk to no other host, and other hosts' pages not to frame this one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the headers to its response."""

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _middleware() -> list[Any]:
    """Return what stands before the page; the check of the host name keeps pages of other sites out."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return [Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]), Middleware(_Policy)]


def _theme(gradio: Any) -> Any:
    """Return the plain theme; its fonts are those of the system, so that none is fetched."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gradio.themes.Base(font=sans, font_mono=mono).set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#181715",
        body_text_color="#24221f",
        body_text_color_dark="#e8e4db",
    )


def _file(name: str) -> str:
    return files("ui").joinpath(name).read_text("utf-8")
