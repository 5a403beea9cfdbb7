"""Every error of the project, safe to show: what was found, then what to do next.

    ArticleQAError
    ├── UnreadableFile      one file cannot become an article; the others go on
    ├── NotFetched          a page of the web was not, or may not be, fetched
    ├── NotAdded            the articles folder takes no new file
    ├── NoLibrary           there is nothing to ask: no folder, no articles, no place to write
    ├── LibraryInUse        another process owns the library for writing
    ├── DamagedLibrary      library.sqlite is not a library, or is broken
    ├── EncoderMismatch     the library was built with another encoder
    ├── EncoderUnavailable  the encoder's weights are missing or not the recorded ones
    ├── ReaderUnavailable   the reader's weights are missing or damaged, or a reader cannot be had
    ├── BadQuestion         a question that cannot be asked
    ├── BadFilter           a filter that is none, or leaves no article
    ├── BadReport           a report that cannot be written, or a file that cannot be verified
    ├── NotKept             conversations cannot be kept, or this one could not
    ├── UnknownSetting      a setting that does not exist or has a wrong value
    ├── MissingExtra        an optional package is not installed
    └── ProviderFailure     a language model's server failed

Abstaining is a value (`qa.Answer.status`), never an exception.
"""

from __future__ import annotations


class ArticleQAError(Exception):
    """Base of every error that the project raises on purpose; its text can be shown to anybody."""


class UnreadableFile(ArticleQAError):
    """A file was refused; nothing of it was stored.

    Attributes:
        path: The file as it was named, relative to the articles folder where there is one.
        code: Why, as one of `empty`, `too_large`, `bad_type`, `bad_encoding`, `unreadable`,
            `timeout`, `bad_path`: for programs.
        found: Why, in words: for people.
    """

    def __init__(self, path: str, code: str, found: str) -> None:
        super().__init__(f"{path}: {found}")
        self.path = path
        self.code = code
        self.found = found


class NotFetched(ArticleQAError):
    """A page was not fetched.

    Attributes:
        url: The address as it was given, cut to a line.
        code: Why, as one of `blocked_url`, `fetch_failed`, `too_large`, `bad_type`, `timeout`: for programs.
    """

    def __init__(self, url: str, code: str, found: str) -> None:
        super().__init__(f"{url}: {found}")
        self.url = url
        self.code = code


class NotAdded(ArticleQAError):
    """A file cannot be put into the articles folder."""


class NoLibrary(ArticleQAError):
    """There is nothing to ask, or no place to keep a library."""


class LibraryInUse(ArticleQAError):
    """Another process owns the library for writing."""


class DamagedLibrary(ArticleQAError):
    """`library.sqlite` cannot be used as it is; it is left untouched."""


class EncoderMismatch(ArticleQAError):
    """The library's vectors came from another encoder than the one configured."""


class EncoderUnavailable(ArticleQAError):
    """The encoder's weights cannot be loaded."""


class ReaderUnavailable(ArticleQAError):
    """The reader's weights cannot be loaded."""


class BadQuestion(ArticleQAError):
    """The question is blank, or too long to be one."""


class BadFilter(ArticleQAError):
    """A filter that cannot be, or one that no article passes."""


class BadReport(ArticleQAError):
    """A report cannot be written where it should go, or a file holds no quotes that could be verified."""


class NotKept(ArticleQAError):
    """Conversations cannot be kept, or this turn of one could not; answering goes on without."""


class UnknownSetting(ArticleQAError):
    """A setting that does not exist, or a value it cannot take."""


class MissingExtra(ArticleQAError):
    """An optional package is missing; the text ends with the command that installs it."""


class ProviderFailure(ArticleQAError):
    """A language model's server failed.

    Attributes:
        retryable: Whether the same call may succeed later.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
