"""Answers and articles as HTML. Pure functions, no page.

text       what comes from an article or a person, shown as text
answer     a turn of the conversation: an answer with its sources
desk       the article of a citation, the sentence marked
greeting   an empty conversation, and the line on top
"""

from __future__ import annotations

from ui.render.answer import message, problem, question, searching, unchecked
from ui.render.desk import Place, blank_desk, desk, place
from ui.render.greeting import library_line, welcome, welcome_empty
from ui.render.text import escape

__all__ = [
    "Place",
    "blank_desk",
    "desk",
    "escape",
    "library_line",
    "message",
    "place",
    "problem",
    "question",
    "searching",
    "unchecked",
    "welcome",
    "welcome_empty",
]
