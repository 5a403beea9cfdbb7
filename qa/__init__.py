"""Ask a folder of articles; get answers made of their exact sentences.

>>> from qa import read
>>> read("How many troops remain in Iraq?", ["About 5,000 U.S. troops remain in Iraq."]).citations[0].quote
'About 5,000 U.S. troops remain in Iraq.'
"""

from index.errors import ArticleQAError
from index.types import Article, Entry, Within
from qa.assistant import Assistant, ask, read
from qa.settings import Settings
from qa.types import Added, Answer, Citation, Event, Report, Turn
from qa.verify import Check, Verification

__all__ = [
    "Added",
    "Answer",
    "Article",
    "ArticleQAError",
    "Assistant",
    "Check",
    "Citation",
    "Entry",
    "Event",
    "Report",
    "Settings",
    "Turn",
    "Verification",
    "Within",
    "ask",
    "read",
]
