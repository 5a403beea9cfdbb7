"""Questions with gold sentences to figures: retrieval, answers, abstention, calibration and speed.

A file of questions has one JSON object a line:

    {"id": "s001", "question": "...", "gold": [{"article": "a.md", "quote": "The whole sentence.", "also": [...]}],
     "answers": ["5,000", "about 5,000"]}

`gold` lists the sentences that are needed, empty where the articles do not say; `also` lists other sentences
that serve as well. `answers` lists short answers, any of which will do; it may be missing. `kind` groups questions;
`history` is a list of {"question", "answer"}.

    questions   a file of questions, and what became of each
    scores      the measures, on words and numbers
    summary     the figures of a run, with two trivial baselines beside it
"""

from __future__ import annotations

from qa.evaluate.questions import WINDOWS, Outcome, Question, load, run, squeeze, taken_out
from qa.evaluate.summary import Figures, figures

__all__ = ["WINDOWS", "Figures", "Outcome", "Question", "figures", "load", "run", "squeeze", "taken_out"]
