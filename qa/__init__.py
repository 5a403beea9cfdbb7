"""Ask a folder of articles; get answers made of their exact sentences.

>>> from qa import read
>>> read("How many troops remain in Iraq?", ["About 5,000 U.S. troops remain in Iraq."]).citations[0].quote
'About 5,000 U.S. troops remain in Iraq.'
"""

from index.errors import ArticleQAError
from index.types import Article
from qa.assistant import Assistant, ask, read
from qa.settings import Settings
from qa.types import Answer, Citation, Event, Report, Turn
from qa.verify import Check, Verification

__all__ = [
    "Answer",
    "Article",
    "ArticleQAError",
    "Assistant",
    "Check",
    "Citation",
    "Event",
    "Report",
    "Settings",
    "Turn",
    "Verification",
    "ask",
    "read",
]
