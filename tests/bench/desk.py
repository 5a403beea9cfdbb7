"""Measure how long a click on a citation takes until its sentence is in view and painted, in Chromium.

    python -m tests.bench.desk [--words 10000] [--clicks 20] [--width 1280]

The articles are made of that many words, in paragraphs of about 80; the sentences asked for stand near the beginning,
in the middle and near the end of two of them. Every click goes to another sentence than the one before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from browser import chromium

from qa import Assistant
from ui import server

FACTS = {
    "Heron": ("lighthouse", "tower", "ferry"),
    "Marten": ("mill", "bridge", "school"),
}

CLICK = """([href, quote]) => new Promise((done, fail) => {
  const started = performance.now();
  const look = () => {
    const mark = document.querySelector("#cited"), text = document.querySelector("#desk .text");
    if (mark && mark.textContent === quote && document.activeElement === mark) {
      const [inner, outer] = [mark.getBoundingClientRect(), text.getBoundingClientRect()];
      const there = outer.left >= 0 && outer.right <= innerWidth + 1; // on a phone the desk slides
      if (there && outer.top <= inner.top && inner.bottom <= outer.bottom)
        return requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
    }
    if (performance.now() - started > 10000) return fail("not in view after 10 s");
    requestAnimationFrame(look);
  };
  document.querySelector(`#conversation a.source[href="${href}"]`).click();
  requestAnimationFrame(look);
})"""


def article(name: str, words: int) -> str:
    """Return an article of about so many words with a fact in its first, middle and last paragraph."""
    count = words // 80
    filler = "The people of {name} wrote down, on day {n} of that year, what the weather did, who came by road, and \
which of the neighbours had quarrelled over hay; \u201cnothing of note,\u201d the entry says, and the next one says so \
too, as if a whole valley had agreed (more or less) to be left alone. A clerk copied it all, in blue ink, with the \
patience of somebody who is paid by the page - not by the hour - and put the book back."
    paragraphs = [filler.format(name=name, n=n) for n in range(count)]
    for at, thing in zip((1, count // 2, count - 2), FACTS[name], strict=True):
        paragraphs[at] += f" The {thing} of {name} was opened in {1900 + at % 90}."
    return f"---\ntitle: The book of {name}\n---\n\n" + "\n\n".join(paragraphs) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--width", type=int, default=1280)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name in FACTS:
            Path(folder, f"{name}.md").write_text(article(name, given.words), "utf-8")
        with Assistant.open(folder, progress=False) as assistant:
            shown = server.start(assistant, port=7980)
            page = browser.new_page(viewport={"width": given.width, "height": 800})
            page.goto(shown.local_url)
            for name, things in FACTS.items():
                for thing in things:
                    before = page.locator(".answer").count()
                    page.fill("#question textarea", f"When was the {thing} of {name} opened?")
                    page.press("#question textarea", "Enter")
                    page.wait_for_function("n => document.querySelectorAll('.answer').length > n", arg=before)
            quotes = [item.text_content() for item in page.locator("#conversation .sources blockquote").all()]
            links = [item.get_attribute("href") for item in page.locator("#conversation a.source").all()]
            places = list(zip(links, quotes, strict=True))
            took = [page.evaluate(CLICK, list(places[(n * 5) % len(places)])) for n in range(given.clicks + 2)][2:]
            shown.close(verbose=False)
    print(f"{given.words} words, {given.width} px, {len(places)} places, {len(took)} clicks:", end=" ")
    print(f"median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms; {' '.join(f'{t:.0f}' for t in took)}")


if __name__ == "__main__":
    main()
