"""The command line: `chat`, `login`, `ask`, `sync`, `add`, `remove`, `report`, `verify`, `evaluate`, `doctor`.

Exit codes: 0 done or answered, 1 an error (one sentence on standard error), 2 wrong usage, 3 abstained, 4 some quotes
do not stand, 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import ArticleQAError

if TYPE_CHECKING:
    from qa import Answer, Assistant, Check, Citation

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ask a folder of articles; get answers made of their exact sentences, or an honest no.",
)

ABSTAINED = 3
FALLEN = 4

Articles = Annotated[Path | None, typer.Argument(help="The folder of articles.", show_default=False)]
ArticlesOption = Annotated[Path | None, typer.Option("--articles", help="The folder of articles.", show_default=False)]
LibraryOption = Annotated[
    Path | None,
    typer.Option("--library", help="Where the library is kept [.article-qa in the articles].", show_default=False),
]
LoginsOption = Annotated[
    Path | None,
    typer.Option("--logins", help="The file of those who may use the chat; see `login`.", show_default=False),
]


def main() -> None:
    """Run the command line."""
    # Article text leaves this machine only when somebody asks for it: not through inherited tracing or telemetry.
    os.environ.update(
        LANGSMITH_TRACING="false",
        LANGSMITH_TRACING_V2="false",
        LANGCHAIN_TRACING_V2="false",
        GRADIO_ANALYTICS_ENABLED="False",
        HF_HUB_DISABLE_TELEMETRY="1",
    )
    for stream in (sys.stdout, sys.stderr):  # a terminal that knows no curly quotes still gets an answer
        with contextlib.suppress(AttributeError, ValueError):
            # What is read by a program is UTF-8 everywhere, so that a quote stays exact.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")  # type: ignore[union-attr]
    # What the imports make stays: looking through it for garbage time and again, and at the end, is a fifth of `ask`.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    finally:
        gc.freeze()


@app.command()
def chat(
    articles: Articles = None,
    library: LibraryOption = None,
    port: Annotated[
        int | None,
        typer.Option(help="The port, the next free one if it is taken [7860].", min=1, max=65535, show_default=False),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="The address to listen on; one that other machines reach needs logins [127.0.0.1].", show_default=False
        ),
    ] = None,
    logins: LoginsOption = None,
    root_path: Annotated[
        str | None,
        typer.Option("--root-path", help="The path that a proxy puts before the page.", show_default=False),
    ] = None,
) -> None:
    """Open the web chat over a folder of articles."""
    with _errors():
        from qa.settings import load

        settings = load(port=port, host=host, logins=logins, root_path=root_path)
        from ui.server import check, serve

        check(settings.host, settings.logins)
        with _opened(articles, library, chroma=False) as assistant:  # that follows when the page is up
            typer.echo("Opening the chat; Ctrl-C ends it.", err=True)
            names = "port", "users", "host", "logins", "allowed_hosts", "root_path"
            serve(assistant, **{name: getattr(settings, name) for name in names})


@app.command()
def login(
    name: Annotated[str, typer.Argument(help="Who may use the chat.", show_default=False)],
    logins: LoginsOption = None,
) -> None:
    """Let somebody log in to the chat, or change a password; it is asked for, or read from standard input."""
    with _errors():
        from qa.settings import load
        from ui.login import save

        place = load(logins=logins).logins
        if place is None:
            raise ArticleQAError("No file of logins was named; name one with --logins FILE or QA_LOGINS.")
        if sys.stdin.isatty():
            password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        else:
            password = sys.stdin.readline().rstrip("\r\n")
        new = save(place, name, password)
        typer.echo(f"{name} {'can log in now' if new else 'has a new password'}: `article-qa chat --logins {place}`.")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.", show_default=False)],
    articles: ArticlesOption = None,
    library: LibraryOption = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            help='The turns before: a JSON list of {"question", "answer"}, oldest first, or what --json printed.',
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Ask only articles of this source; may be repeated.")
    ] = None,
    since: Annotated[str, typer.Option(help="Ask only articles since 2019, 2019-12 or 2019-12-29.")] = "",
    until: Annotated[str, typer.Option(help="Ask only articles until then, that day, month or year included.")] = "",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Ask only the article of this id; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")] = False,
) -> None:
    """Answer one question; exit 0 answered, 3 abstained."""
    with _errors():
        from qa import Within
        from qa.chain import clean
        from qa.history import load

        clean(question)
        turns = load(history) if history else []
        within = Within(tuple(source or ()), since, until, tuple(only or ()))
        with _opened(articles, library, chroma=False) as assistant:
            answer = assistant.ask(question, turns, within=within)
        typer.echo(answer.to_json() if as_json else _printed(answer))
    raise typer.Exit(0 if answer.answered else ABSTAINED)


@app.command()
def sync(
    articles: Articles = None,
    library: LibraryOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a file was refused.")] = False,
) -> None:
    """Bring the library up to date with the folder: add, update, delete."""
    with _errors():
        with _opened(articles, library, refusals=True) as assistant:
            report = assistant.report or assistant.sync()  # which says why there was none
            counts = "{:,} articles, {:,} sentences, {:,} passages".format(*assistant.counts())
            for notice in assistant.notices:
                typer.echo(notice, err=True)
        typer.echo(f"{report.summary()}; the library has {counts}.")
    if strict and report.refused:
        raise typer.Exit(1)


@app.command()
def add(
    given: Annotated[
        list[str], typer.Argument(help="Files, or addresses of pages.", metavar="FILE|URL...", show_default=False)
    ],
    articles: ArticlesOption = None,
    library: LibraryOption = None,
) -> None:
    """Add files or pages to the folder, in `added/`; exit 1 if any was refused."""
    refused = False
    with _errors(), _opened(articles, library) as assistant:
        for name in given:
            try:
                page = name.lower().startswith(("http://", "https://"))
                done = assistant.add_url(name) if page else assistant.add(name)
            except ArticleQAError as error:
                refused = True
                typer.echo(f"refused {_plain(str(error))}", err=True)
            else:
                typer.echo(_plain(f"{done.state} {done.file}: {', '.join(done.articles)}"))
                for line in done.refused:
                    typer.echo(f"refused {_plain(line)}", err=True)
    raise typer.Exit(1 if refused else 0)


@app.command()
def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids of articles.", metavar="ID...", show_default=False)],
    articles: ArticlesOption = None,
    library: LibraryOption = None,
    restore: Annotated[bool, typer.Option("--restore", help="Bring removed articles back.")] = False,
) -> None:
    """Leave articles out of the library until their text changes; their files stay."""
    with _errors(), _opened(articles, library) as assistant:
        for article_id in ids:
            (assistant.restore if restore else assistant.remove)(article_id)
            typer.echo(_plain(f"{'restored' if restore else 'removed'} {article_id}"))


@app.command()
def compact(articles: Articles = None, library: LibraryOption = None) -> None:
    """Give back what disk space the library does not need."""
    with _errors():
        from qa import Assistant

        with Assistant.open(articles, library, update=False) as assistant:
            before, after = assistant.compact(progress=True)
        typer.echo(f"before: {before}\nnow:    {after}")


@app.command()
def report(
    questions: Annotated[
        Path,
        typer.Argument(
            help="A text file: one question a line; lines with # are comments.", metavar="QUESTIONS", show_default=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="The report: .md, .html, .docx, .json, .jsonld or .csl.json; it is replaced.",
            show_default=False,
        ),
    ],
    articles: ArticlesOption = None,
    library: LibraryOption = None,
    title: Annotated[str, typer.Option("--title", help="What stands on top.", show_default=False)] = "",
) -> None:
    """Answer a list of questions in one report, each quote with a footnote; the unanswered ones are listed."""
    with _errors():
        from qa import Report
        from qa.progress import bar
        from qa.report.save import check

        check(out)
        asked = _questions(questions)
        answers: list[Answer] = []
        with _opened(articles, library) as assistant, bar() as show:
            from index.sync import Step

            try:
                for number, question in enumerate(asked):
                    show(Step("Asking", number, len(asked), question))
                    answers.append(assistant.ask(question))
                show(Step("Asking", len(asked), len(asked)))
            finally:
                if answers:
                    Report(answers, title).save(out)
                    if len(answers) < len(asked):
                        typer.echo(f"{out} has the first {len(answers)} of {len(asked)} questions.", err=True)
        found = sum(answer.answered for answer in answers)
        typer.echo(f"{out}: {len(answers)} question{'s' * (len(answers) != 1)}, {found} answered.")


@app.command()
def verify(
    report: Annotated[
        Path, typer.Argument(help="A report, or Markdown with quotes in it.", metavar="REPORT", show_default=False)
    ],
    articles: ArticlesOption = None,
    library: LibraryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Say of each quote of a report whether it still stands; exit 0 if all do, 4 if some do not."""
    with _errors():
        from qa.verify.quoted import read

        read(report)
        with _opened(articles, library, chroma=False) as assistant:
            verification = assistant.verify(report)
        if as_json:
            typer.echo(verification.to_json())
        else:
            for check in verification.checks:
                typer.echo(_plain(_checked(check)))
            typer.echo(verification.summary())
    raise typer.Exit(0 if verification.stands else FALLEN)


@app.command()
def evaluate(
    questions: Annotated[
        Path, typer.Argument(help="A .jsonl file of questions with gold sentences.", show_default=False)
    ],
    articles: ArticlesOption = None,
    library: LibraryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
    caution_table: Annotated[
        bool, typer.Option("--caution-table", help="Print what other settings of QA_CAUTION would do, too.")
    ] = False,
) -> None:
    """Measure retrieval, answers, abstention, calibration and speed, beside two trivial baselines."""
    with _errors():
        from qa import evaluate as evaluation

        asked = evaluation.load(questions)
        with _opened(articles, library) as assistant:
            found = evaluation.figures(evaluation.run(assistant, asked))
        if as_json:
            typer.echo(found.to_json())
        else:
            typer.echo(_table(found.rows()))
            if caution_table:
                typer.echo(f"\n{_table(found.caution_rows())}")


@app.command()
def doctor(
    articles: ArticlesOption = None,
    library: LibraryOption = None,
) -> None:
    """Say what is installed, what is broken, and the command that mends it."""
    with _errors():
        from qa.assistant import place
        from qa.doctor import examine
        from qa.settings import load

        broken = 0
        for finding in examine(load(), place(articles, library)):
            typer.echo(f"{'ok ' if finding.fine else 'BAD'} {finding.name:22}{finding.found}")
            if finding.mend and not finding.fine:
                typer.echo(f"    {'':22}mend: {finding.mend}")
            broken += not finding.fine
    raise typer.Exit(1 if broken else 0)


@contextlib.contextmanager
def _opened(
    articles: Path | None, library: Path | None, *, refusals: bool = False, chroma: bool = True
) -> Iterator[Assistant]:
    """Open the assistant, telling on standard error what a person should know."""
    import logging

    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    from qa import Assistant

    with Assistant.open(articles, library, chroma=chroma) as assistant:
        for notice in [] if refusals else assistant.notices:
            typer.echo(notice, err=True)
        report = assistant.report
        refused = report.refused if report else []
        for error in refused if refusals else []:
            typer.echo(f"refused {_plain(str(error))}", err=True)
        if refused and not refusals:
            count = report.refused_files if report else 0
            files = "1 file was" if count == 1 else f"{count:,} files were"
            typer.echo(f"{files} refused; `article-qa sync` names them.", err=True)
        for note in report.notes if report else []:
            typer.echo(f"note {_plain(note)}", err=True)
        yield assistant


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn an error into one sentence and exit code 1, Ctrl-C into 130; nothing that was stored is lost."""
    try:
        yield
    except ArticleQAError as error:
        typer.echo(_plain(str(error)), err=True)
        raise typer.Exit(1) from error
    except (KeyboardInterrupt, ImportError) as error:
        # Ctrl-C while a compiled module is loaded is an import that failed because of it.
        if not isinstance(error if isinstance(error, KeyboardInterrupt) else error.__cause__, KeyboardInterrupt):
            raise
        typer.echo("Stopped; what was done so far is kept.", err=True)
        raise typer.Exit(130) from error
    except (PermissionError, IsADirectoryError, FileNotFoundError) as error:
        typer.echo(f"{error.filename} cannot be used ({error.strerror}); check the path and its permissions.", err=True)
        raise typer.Exit(1) from error
    except BrokenPipeError as error:  # `article-qa ask ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from error


def _questions(path: Path) -> list[str]:
    """Read a file of questions, and find what is wrong with any of them before the first is asked."""
    from index.errors import BadQuestion
    from qa.chain import clean

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ArticleQAError(f"{path} cannot be read ({error.strerror}); name a file of questions.") from error
    except ValueError as error:
        raise ArticleQAError(f"{path} is not UTF-8 text; save it as a text file with one question a line.") from error
    questions = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                questions.append(clean(line))
            except BadQuestion as error:
                raise BadQuestion(f"{path}, line {number}: {error}") from error
    if not questions:
        raise ArticleQAError(f"{path} has no questions in it; write one a line.")
    return questions


def _checked(check: Check) -> str:
    """Lay out what became of a quote: the status and the quote, and under it what a person should know."""
    quote = " ".join(check.quote.split())
    number = f"[{check.number}] " if check.number else ""
    place = f"{check.found_id}, {check.start}-{check.end}" if check.found_id else ""
    words = {
        "stands": place,
        "moved": f"stands now in {place}",
        "changed": f"{place or check.article_id} has now: {check.difference}" if check.now else "",
        "gone": f"{check.article_id} is gone",
        "never": f"{place} has: {check.difference}" if check.now else "",
    }
    told = words[check.status] or f"nothing like it stands in {check.article_id or 'the articles'}"
    if place and not check.now and check.status in ("changed", "gone"):
        told = f"{f'{check.article_id} is gone' if check.status == 'gone' else f'not in {check.article_id} any more'}"
        told += f"; the same words stand in {place}"
    return f"{check.status:8}{number}“{quote}”\n{'':8}{told}"


def _printed(answer: Answer) -> str:
    lines = []
    if answer.standalone_question != answer.question:
        lines += [f"Read as: {answer.standalone_question}", ""]
    lines += [answer.text, ""]
    if answer.remarks:
        lines += [" ".join(answer.remarks), ""]
    if not answer.answered and answer.closest:
        lines.append("The closest sentences, which do not answer it:")
    for citation in answer.citations or answer.closest:
        mark = f"[{citation.number}]" if answer.answered else "  -"
        lines.append(f"{mark} {_source(citation, citation.number in answer.newest)}")
        if not answer.answered or answer.writer:  # else the text is the quotes
            lines.append(f"      {' '.join(citation.quote.split())}")
    lines += ["", answer.sure] if answer.sure else []
    return _plain("\n".join(lines).rstrip())


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows in columns, the first to the left and the others to the right."""
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        row[0].ljust(first) + "".join(cell.rjust(width + 2) for cell, width in zip(row[1:], others, strict=True))
        for row in rows
    )


def _source(citation: Citation, newest: bool) -> str:
    """Say where a citation stands: title, source, date, article and characters."""
    known = [f"“{citation.title}”", citation.source, citation.published, "newest" if newest else ""]
    return f"{', '.join(part for part in known if part)} ({citation.article_id}, {citation.start}-{citation.end})"


def _plain(text: str) -> str:
    """Make control characters visible, so that an article cannot drive the terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() or c == "\u00a0" else f"\\x{ord(c):02x}" for c in text)


if __name__ == "__main__":
    main()
