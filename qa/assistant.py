"""The door: open a folder of articles, ask, and get answers made of their sentences."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.compact import Sizes, compact
from index.copies import Families
from index.encoder import encoder
from index.errors import ArticleQAError, LibraryInUse, NoLibrary
from index.formats import SUFFIXES
from index.library import FILE, Library
from index.outline import encode, outline
from index.owner import Owner
from index.parser import contents
from index.search import Results, Search
from index.sync import Changes, Progress, Step, sync
from index.types import Article, Entry, Evidence, Within
from index.vectors import VectorIndex, server
from qa import settings as settings_
from qa.chain import MAX_QUESTION, Steps, build, clean, standalone
from qa.cite import cite
from qa.conversations import Conversations
from qa.progress import bar
from qa.reader import reader
from qa.reader.model import Text
from qa.reader.select import Reader
from qa.settings import Settings
from qa.shelf import Shelf
from qa.types import Added, Answer, Citation, Event, Report, Turn
from qa.verify import Verification, verify
from qa.writer import writer

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

    from index.fetch import Fetcher

log = logging.getLogger(__name__)

LIBRARY = ".article-qa"
"""The library's folder inside the articles folder."""


class Assistant:
    """A library that is open for questions. Safe to use from several threads; close it when done.

    Attributes:
        folder: The articles folder, None for one made of texts.
        settings: As they are in force.
        report: What the last sync did, None if there was none.
        fetch: What fetches the pages of `add_url`; None for an `index.fetch.Fetcher` with the usual limits.
    """

    def __init__(
        self, library: Library, vectors: VectorIndex, settings: Settings, folder: Path | None, owner: Owner | None
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.report: Changes | None = None
        self._notices: list[str] = []
        self._library = library
        self._vectors = vectors
        self._owner = owner
        self._obstacle: ArticleQAError | None = None  # why the library cannot be written
        self._encoder = encoder(settings.encoder, settings.device)
        self._search = Search(library, self._encoder, vectors)
        self._shelf = Shelf(folder, library, self._encoder, vectors) if folder else None
        self.fetch: Fetcher | None = None
        self._writer = writer(settings.model, settings.model_url, settings.model_timeout)

    @classmethod
    def open(
        cls,
        articles: str | PathLike[str] | None = None,
        library: str | PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        update: bool = True,
        chroma: bool = True,
        progress: Progress | bool = True,
    ) -> Assistant:
        """Open the library of a folder of articles, bringing it up to date first.

        Args:
            articles: The folder; None for `QA_ARTICLES`, else the one whose library is nearest upward, else
                `seeds/` in a checkout.
            library: Where the library is kept; None for `QA_LIBRARY`, else `.article-qa` in the folder.
            settings: None for those of the environment.
            update: Whether to sync the library with the folder.
            chroma: Whether to open Chroma, too; else it stays closed until `warm`, and search is exact, which is sooner
                for one question.
            progress: True for a progress bar on standard error, False for none, or what to call.

        Raises:
            NoLibrary: There is no such folder, or no place to keep a library.
            DamagedLibrary: The library file is broken or of a later version.
            EncoderMismatch: The library was built with another encoder.
            UnknownSetting: A setting has a value that cannot be used.
        """
        settings = settings or settings_.load()
        elsewhere = server(settings.chroma_url, settings.chroma_token)
        folder = _folder(Path(articles) if articles else settings.articles)
        where = _place(folder, library, settings)
        if update and not os.path.isdir(folder):
            what = "is a file" if os.path.exists(folder) else "does not exist"
            raise NoLibrary(f"{folder} {what}; name a folder of articles.")
        if not update and not os.path.isfile(where / FILE):
            raise NoLibrary(f"There is no library in {where}; make one with `article-qa sync`.")
        owner: Owner | None = None
        obstacle: ArticleQAError | None = None
        try:
            owner = Owner(where)
        except LibraryInUse as error:
            obstacle = error
        except OSError as error:
            obstacle = NoLibrary(
                f"The library in {where} cannot be written ({error.strerror}); name another place with --library DIR "
                "or QA_LIBRARY."
            )
        if obstacle and not os.path.isfile(where / FILE):
            raise obstacle
        store = vectors = None
        try:
            store = Library(where, create=owner is not None)
            vectors = VectorIndex(store, owner=owner is not None, server=elsewhere)
            assistant = cls(store, vectors, settings, folder, owner)
            store.match_encoder(assistant._encoder)  # now, and not with the first question
            if obstacle:
                assistant._obstacle = obstacle
                assistant._notices.append(f"{obstacle} Until then its articles are searched as they were last read.")
                log.warning(assistant._notices[0])
            with _shown(progress) as shown:
                assistant._begin(chroma, shown)
                if owner and update:
                    assistant.sync(shown)
        except BaseException:
            if vectors:
                vectors.close()
            if store:
                store.close()
            if owner:
                owner.release()
            raise
        return assistant

    def _begin(self, chroma: bool, shown: Progress) -> None:
        if not self._encoder.ready:
            shown(Step("Compiling", 0, 1, "the encoder, once for this user"))
            self._encoder.query("ready")
            shown(Step("Compiling", 1, 1))
        if chroma:
            self._vectors.open(progress=lambda done, total: shown(Step("Indexing", done, total)))

    @classmethod
    def of_texts(cls, texts: Iterable[str | Article], *, settings: Settings | None = None) -> Assistant:
        """Open a library in memory over a few texts; the n-th is the article `text-n`."""
        if isinstance(texts, (str, Article)):
            texts = [texts]
        settings = settings or settings_.load()
        store = Library(None)
        assistant = cls(store, VectorIndex(store, owner=False), settings, None, None)
        articles = [
            _article(text if isinstance(text, Article) else Article(f"text-{number}", f"text-{number}", text))
            for number, text in enumerate(texts, 1)
        ]
        planned = [outline(article, assistant._encoder) for article in articles]
        families = Families([])
        for draft in encode([plan for plan in planned if plan.runs], assistant._encoder):
            family = store.publish(draft, "", families.find(draft.signature, draft.article.id))
            families.add(draft.article.id, family, draft.signature)
        return assistant

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the library and let another process own it."""
        if self._writer:
            self._writer.close()
        if kept := vars(self).get("conversations"):
            kept.close()
        if self._shelf:
            self._shelf.close()
        self._vectors.close()
        self._library.close()
        if self._owner:
            self._owner.release()
            self._owner = None

    def ask(
        self, question: str, history: Sequence[Turn] = (), *, worded: bool = True, within: Within | None = None
    ) -> Answer:
        """Answer a question from the articles, or abstain.

        Args:
            history: The conversation so far, oldest first.
            worded: Whether the language model, if one is set, words the answer.
            within: The articles that are asked; None for all.

        Raises:
            BadQuestion: The question is blank, has no word in it, or is too long.
            BadFilter: No article is within.
            NoLibrary: There are no articles.
            EncoderMismatch: The library was built with another encoder.
            ReaderUnavailable: The reader's weights are missing or damaged.
        """
        from langsmith import tracing_context

        clean(question)
        self._not_empty()
        with tracing_context(enabled=False):  # an inherited variable must not upload what is asked and found
            return self.chain.invoke({"question": question, "history": history, "worded": worded, "within": within})

    def stream(self, question: str, history: Sequence[Turn] = (), *, within: Within | None = None) -> Iterator[Event]:
        """Answer as `ask` does, a step at a time.

        Tokens are what a language model says before it is checked; the one `answer` at the end replaces them. Whoever
        stops before has no answer, and the model is told nothing more.

        Raises as `ask` does, at the first event.
        """
        clean(question)
        self._not_empty()
        steps = self._steps
        state = steps.question({"question": question, "history": history, "within": within})
        yield Event("question", standalone(state))
        state = steps.read(steps.retrieve(state))
        found = state.selection
        assert found is not None
        sure = found.confidence >= steps.caution
        yield Event("sources", citations=cite(found.sentences, self._library, found.shorts) if sure else ())
        said = steps.writing(state)
        while True:
            try:
                token = next(said)
            except StopIteration as end:
                state = end.value
                break
            yield Event("token", token)
        yield Event("answer", answer=steps.cite(state))

    def search(self, question: str, k: int = 10, *, within: Within | None = None) -> list[Citation]:
        """Return the k sentences that come nearest to a question or a few words, best first; no answer.

        Raises:
            BadFilter: No article is within.
        """
        return list(cite(self._search.inside(within)(clean(question)).evidence[:k], self._library))

    def results(self, question: str, history: Sequence[Turn] = (), *, within: Within | None = None) -> Results:
        """Return all that is found for a question, passages and sentences, ranked: for measuring."""
        steps = self._steps
        results = steps.retrieve(steps.question({"question": question, "history": history, "within": within})).results
        assert results is not None
        return results

    def verify(self, report: Answer | Report | str | PathLike[str]) -> Verification:
        """Say of each quote of an answer, of a report, or of a file whether it still stands.

        Args:
            report: A path is that of a report in any form but `.csl.json`, or of Markdown with quotes in it.

        Raises:
            BadReport: The file cannot be read, or holds no quotes.
        """

        def resembling(quote: str) -> Sequence[Evidence]:
            words = quote[:MAX_QUESTION]
            return self._search(clean(words)).evidence if any(map(str.isalnum, words)) else ()

        return verify(report, self._library, resembling)

    def article(self, article_id: str) -> Article:
        """Return an article with the canonical text behind the offsets.

        Raises:
            ArticleQAError: There is none of that id now.
        """
        found = self._library.article(article_id)
        if found is None:
            raise ArticleQAError(f"There is no article {article_id!r} in the library; it may have been removed.")
        return found

    def articles(self) -> list[str]:
        """Return the ids of all articles, sorted."""
        return self._library.article_ids()

    def library(self) -> list[Entry]:
        """Return what the library holds, an entry an article, with copies, refused files and what was removed."""
        return self._library.entries()

    def add(self, name: str | PathLike[str], data: bytes | None = None) -> Added:
        """Add a file: it is saved in `added/` of the articles folder, and can be asked at once.

        Args:
            name: A path; with `data`, any name with a suffix that is read. A name that is taken gets a number.
            data: The file's bytes, None to read the path.

        Raises:
            UnreadableFile: It cannot become an article; nothing of it is kept.
            NotAdded: The folder takes no files.
            LibraryInUse: Another process owns the library.
        """
        shelf = self._owned()
        path = Path(name)
        return shelf.add(path.name if data is None else str(name), contents(path, path.name) if data is None else data)

    def add_url(self, url: str) -> Added:
        """Fetch a page and add it, with its address; a page that was fetched before is replaced.

        Raises:
            NotFetched: It may not be fetched, or could not be.

        Raises otherwise as `add` does.
        """
        from index.fetch import Fetcher

        shelf = self._owned()
        return shelf.add_page((self.fetch or Fetcher())(url))

    def remove(self, article_id: str) -> None:
        """Leave an article out until its text changes; its file stays where it is.

        Raises:
            ArticleQAError: There is none of that id.
            LibraryInUse: Another process owns the library.
        """
        self._owned().remove(article_id)

    def restore(self, article_id: str) -> None:
        """Bring back an article that was removed.

        Raises:
            ArticleQAError: None of that id was removed, or its file is gone or unreadable.
            LibraryInUse: Another process owns the library.
        """
        self._owned().restore(article_id)

    def counts(self) -> tuple[int, int, int]:
        """Return how many articles, sentences and passages there are."""
        return self._library.counts()

    @property
    def notices(self) -> list[str]:
        """What a person should know now, in sentences: another process owns the library, say."""
        return [*self._notices, *filter(None, [self._vectors.notice])]

    @property
    def engine(self) -> str:
        """What searches: `chroma`, or `exact` where Chroma is not to be had."""
        return self._vectors.engine

    @cached_property
    def conversations(self) -> Conversations | None:
        """The conversations kept beside the library, None where none are (`QA_KEEP`)."""
        folder = self._library.folder
        return Conversations(folder) if folder and self.settings.keep else None

    @cached_property
    def _reader(self) -> Reader:
        settings = self.settings
        return reader(settings.max_citations, settings.reader, settings.reranker, settings.device)

    @cached_property
    def chain(self) -> Runnable[Any, Answer]:
        """The chain as a LangChain Runnable, from a question (or `{"question", "history"}`) to an `Answer`.

        A LangSmith variable of the environment does not trace it; a tracer that is handed in as a callback does.
        """
        return build(self._steps)

    @cached_property
    def _steps(self) -> Steps:
        settings = self.settings
        given = settings.caution, settings.closest, self._writer, self._encoder
        return Steps(self._library, self._search, self._reader, *given)

    def sync(self, progress: Progress | bool = True) -> Changes:
        """Bring the library up to date with its folder.

        Raises:
            LibraryInUse: Another process owns the library.
            NoLibrary: The folder is gone, the library cannot be written, or it is that of another folder.
        """
        shelf = self._owned()
        assert self.folder is not None
        with _shown(progress) as shown, shelf.guard:
            self.report = sync(self.folder, self._library, self._encoder, self._vectors, shown)
        return self.report

    def _owned(self) -> Shelf:
        """Return what changes the library, if it is this process's to change."""
        if self._obstacle:
            raise self._obstacle
        if self.folder is None or self._owner is None or self._shelf is None:
            raise NoLibrary("This library is closed, or was made of texts: open one with `Assistant.open(folder)`.")
        self._claim(self.folder)
        return self._shelf

    def compact(self, progress: Progress | bool = False) -> tuple[Sizes, Sizes]:
        """Give back what space the library does not need; safe to interrupt.

        Returns:
            What it took on disk before, and what it takes now.

        Raises:
            LibraryInUse: Another process owns the library.
            NoLibrary: The disk has not enough room for it, or the library cannot be written.
        """
        shelf = self._owned()
        with _shown(progress) as shown, shelf.guard:
            return compact(self._library, self._vectors, lambda done, total: shown(Step("Indexing", done, total)))

    def _claim(self, folder: Path) -> None:
        """Refuse to fill one folder's library with another's articles, which would delete the first's."""
        home = self._library.get("folder")
        inside = self._library.folder == folder / LIBRARY  # it moves and is copied with its folder
        if home and home != str(folder) and not inside and os.path.isdir(home):
            raise NoLibrary(
                f"The library in {self._library.folder} is that of {home}; name another place for {folder} with "
                "--library DIR or QA_LIBRARY."
            )
        if home != str(folder):
            self._library.set(folder=str(folder))

    def warm(self) -> None:
        """Load the encoder and the reader now, and open Chroma, so that no question waits for them."""
        self._encoder.query("ready")
        self._reader.model.read("ready?", [Text("", ("Ready.",))])
        if self._writer:
            self._writer.until()
        if self.engine != "chroma":
            self._vectors.open()

    def _not_empty(self) -> None:
        if not self._library.is_empty():
            return
        where = f"in {self.folder}" if self.folder else "among the texts"
        if self.report and self.report.refused:
            count = self.report.refused_files
            raise NoLibrary(f"None of the {count} files {where} could be read; the first: {self.report.refused[0]}")
        if removed := sorted(self._library.removed()):
            raise NoLibrary(
                f"All articles {where} were removed by hand; bring one back in the page's Library, or with `article-qa "
                f"remove --restore {removed[0]}`."
            )
        kinds = ", ".join(sorted(SUFFIXES))
        raise NoLibrary(f"There are no articles {where}; put some there ({kinds}) and ask again.")


def ask(
    question: str,
    articles: str | PathLike[str] | None = None,
    library: str | PathLike[str] | None = None,
    *,
    history: Sequence[Turn] = (),
    within: Within | None = None,
) -> Answer:
    """Answer one question from a folder of articles, or of those within, bringing its library up to date first.

    Raises as `Assistant.open` and `Assistant.ask` do.
    """
    clean(question)  # before any work
    with Assistant.open(articles, library, chroma=False) as assistant:
        return assistant.ask(question, history, within=within)


def read(question: str, texts: Sequence[str]) -> Answer:
    """Answer a question from a few texts, with no folder and no library; may abstain.

    The n-th text is the article `text-n`; offsets count in the text as it was given.

    Raises:
        BadQuestion: The question is blank, has no word in it, or is too long.
        NoLibrary: No text has a sentence in it.
    """
    clean(question)
    with Assistant.of_texts(texts) as assistant:
        return assistant.ask(question)


def _article(article: Article) -> Article:
    """Return an article whose text is canonical; that of a file already is."""
    return replace(article, text=article.text.encode("utf-8", "replace").decode().replace("\0", "\ufffd"))


def place(articles: str | PathLike[str] | None, library: str | PathLike[str] | None) -> Path | None:
    """Return the folder of the library that `Assistant.open` would open, None if no articles are named or near.

    Raises:
        NoLibrary: A folder or a library was named and is not there.
    """
    settings = settings_.load()
    named = library or settings.library
    try:
        where = _place(_folder(Path(articles) if articles else settings.articles), library, settings)
    except NoLibrary:
        if not named:
            return None
        where = _place(Path(), library, settings)
    if not os.path.isfile(where / FILE):
        raise NoLibrary(f"There is no library in {where}; make one with `article-qa sync`.")
    return where


def _shown(progress: Progress | bool) -> AbstractContextManager[Progress]:
    if callable(progress):
        return nullcontext(progress)
    return bar() if progress else nullcontext(lambda step: None)


def _place(folder: Path, library: str | PathLike[str] | None, settings: Settings) -> Path:
    named = Path(library) if library else settings.library
    return named.expanduser().absolute() if named else folder / LIBRARY


def _folder(named: Path | None) -> Path:
    """Return the articles folder that is meant; a later change of the current folder must not move it."""
    if named is not None:
        return named.expanduser().absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if os.path.isfile(folder / LIBRARY / FILE):  # unlike `Path.is_file`, says no where it may not look
            return folder
    if os.path.isdir(here / "seeds") and os.path.isfile(here / "pyproject.toml"):
        return here / "seeds"
    raise NoLibrary(
        "No folder of articles was named and none is known here; name one, as in `article-qa chat FOLDER`, or set "
        "QA_ARTICLES."
    )
