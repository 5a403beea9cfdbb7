"""The page over made-up articles from Linden, with all that it can show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qa import Assistant
from ui import server

MILL = """---
title: The fire at Linden
source: The Paper
url: https://paper.example/mill
published: 2020-03-01
---

A fire broke out in the Linden mill on Tuesday night. It rained. Three people were hurt in the fire at the Linden mill,
the police said.

The owner was away. It rained.
"""
DOCTOR = """---
title: What burned in Linden
published: 2021-05-01
---

The Linden mill burned for six hours. Seven people were hurt in the fire at the Linden mill, a doctor at the county
hospital told us.
"""
BAKERY = """---
title: The baker of Zurich
published: 2020-02-03
---

Hanna Keller, the master baker of Zurich, bakes four hundred loaves of rye bread every night. She learned the trade
from her grandmother in Basel. Her oven was built in 1911.
"""
HURT, BAKES, OVEN, NOTHING = (
    "How many people were hurt in the fire at the Linden mill?",
    "Who bakes rye bread in Zurich?",
    "When was the oven of Hanna Keller built?",
    "What is the population of Australia?",
)
FILLER = (
    "On day {n} of that year the clerk wrote down what the weather did, who came by road, and which neighbours had "
    "quarrelled over hay; “nothing of note,” says the entry, and the next one says so (more or less) too. He did it "
    "with the patience of somebody who is paid by the page - not by the hour - and then he put the book back."
)


def long_article(words: int = 10_000) -> str:
    """Return an article of about so many words; its second-last paragraph says when the lighthouse was opened."""
    paragraphs = [FILLER.format(n=n) for n in range(words // 68)]
    paragraphs[-2] += " The lighthouse of Heron was opened in 1932."
    return "---\ntitle: The book of Heron\n---\n\n" + "\n\n".join(paragraphs) + "\n"


@contextmanager
def opened(folder: Path, port: int) -> Iterator[tuple[Assistant, str]]:
    """Show the page over the articles above; give the assistant and the address."""
    for name, text in (("mill", MILL), ("doctor", DOCTOR), ("bakery", BAKERY)):
        (folder / f"{name}.md").write_text(text, "utf-8")
    with Assistant.open(folder, progress=False) as assistant:
        page = server.start(assistant, port=port)
        try:
            yield assistant, page.local_url.rstrip("/")
        finally:
            page.close(verbose=False)
