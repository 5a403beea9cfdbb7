from __future__ import annotations

import string
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import Article
from qa.report.notes import web
from qa.types import Answer, Citation, Turn
from ui import render

HOSTILE = [
    "![x](http://evil.example/?q=secret)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</blockquote></li></ol></div><h1>mine</h1>",
    "$x$ $$\\frac{1}{2}$$ \\(y\\)",
    "**bold** _it_ `code` ~~no~~ # head",
    "[1] [a](javascript:alert(1)) <http://evil.example>",
    "{{constructor}} ${alert(1)} `${alert(1)}`",
    "\u202eright to left\u202c &amp; &#60;b&#62; &lt;",
    '" onmouseover="alert(1)',
    "www.evil.example http://evil.example",
    "a\n\n\nb\r\tc",
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60),
    st.text(string.punctuation + " \n\rab😀\u0301א", max_size=60),
)
ALLOWED = {
    "a": {"class", "href", "title", "target", "rel"},
    "article": {"class", "data-place"},
    "bdi": {"class", "dir"},
    "blockquote": {"dir"},
    "button": {"type", "class", "dir", "data-by", "aria-label", "aria-keyshortcuts"},
    "code": {"dir"},
    "details": {"class"},
    "div": {"class", "dir", "tabindex", "role", "aria-label"},
    "h1": {"class"},
    "h2": {"tabindex", "dir"},
    "header": set(),
    "kbd": set(),
    "li": {"dir"},
    "mark": {"id", "tabindex", "aria-describedby"},
    "nav": {"class", "aria-label", "hidden"},
    "ol": {"class"},
    "p": {"class", "dir", "role"},
    "q": set(),
    "span": {"class", "id"},
    "strong": set(),
    "summary": set(),
    "ul": {"class"},
}


class Tree(HTMLParser):
    """Elements with their attributes and whole text; fails on whatever is not ours."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[dict] = []
        self._open: list[dict] = []
        self.feed(html)
        self.close()
        assert not self._open, "left open"

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED, tag
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def handle_comment(self, data):
        raise AssertionError("a comment")

    handle_decl = handle_pi = unknown_decl = handle_comment

    def all(self, tag: str, name: str | None = None) -> list[dict]:
        return [e for e in self.elements if e["tag"] == tag and (name is None or name in e.get("class", "").split())]


def citation(quote="The quote.", number=1, **given) -> Citation:
    return Citation(
        **{
            "number": number,
            "quote": quote,
            "article_id": "a.txt",
            "revision": "r",
            "title": "A title",
            "source": "The Paper",
            "url": "",
            "published": "2019-12-29",
            "start": 0,
            "end": len(quote),
            **given,
        }
    )


def answered(*citations: Citation, question="Who?", **given) -> Answer:
    text = " ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in citations)
    return Answer(**{"question": question, "standalone_question": question, "status": "answered", "text": text,
                     "citations": citations, **given})  # fmt: skip


def abstained(*closest: Citation, question="Who?") -> Answer:
    return Answer(question, question, "abstained", "The articles do not say.", closest=closest)


@given(st.lists(st.tuples(texts, texts, texts, texts), min_size=1, max_size=3), texts)
@settings(max_examples=200)
def test_an_answer_shows_its_quotes_and_nothing_but_our_elements(parts, question):
    citations = [
        citation(quote, n, title=title, source=source, published=day)
        for n, (quote, title, source, day) in enumerate(parts, 1)
    ]
    answer = replace(answered(*citations, question=question), standalone_question=f"{question}!")
    html = render.message(Turn(question, answer), 3)
    tree = Tree(html)
    assert [e["text"] for e in tree.all("blockquote")] == [c.quote for c in citations]
    assert [e["text"] for e in tree.all("q")] == [c.quote for c in citations]
    assert [e["text"] for e in tree.all("bdi", "title")] == [c.title for c in citations]
    links = tree.all("a", "cite")
    assert [(e["text"], e["href"]) for e in links] == [(f"[{c.number}]", f"#c3-{c.number}") for c in citations]
    assert [e["title"] for e in links] == [c.title for c in citations]
    assert tree.all("p", "read-as")[0]["text"] == f"Read as: {question}! Change"
    assert tree.all("bdi")[0]["text"] == f"{question}!"
    assert "\n" not in html and "\r" not in html


@given(texts)
def test_what_is_escaped_has_no_mark_of_markdown_latex_or_html(text):
    escaped = render.escape(text)
    assert not set(escaped) & (set(string.punctuation) - set("&#;"))
    assert escaped.count("&") == escaped.count("#") == escaped.count(";")


@given(texts)
def test_questions_and_problems_are_text(text):
    assert Tree(render.question(text)).elements[0]["text"] == text
    assert Tree(render.message(Turn("q", text), 0)).elements[0]["text"] == text


@given(st.lists(texts, min_size=1, max_size=3))
def test_an_abstention_shows_the_closest_sentences_without_numbers(quotes):
    answer = abstained(*(citation(quote, n) for n, quote in enumerate(quotes, 1)))
    tree = Tree(render.message(Turn("q", answer), 0))
    assert tree.all("p", "said")[0]["text"] == "The articles do not say."
    assert "The closest sentences are:" in tree.all("p", "closest-are")[0]["text"]
    assert [(e["text"], e["href"]) for e in tree.all("a", "near")] == [(q, f"#n0-{n}") for n, q in enumerate(quotes, 1)]
    assert not tree.all("a", "cite") and not tree.all("ol")


def test_an_abstention_may_have_nothing_close():
    assert "closest" not in render.message(Turn("q", abstained()), 0)


def test_numbers_inside_a_quote_are_no_links():
    answer = answered(citation("As shown [2], it rose.", 1), citation("It fell [1].", 2))
    links = Tree(render.message(Turn("q", answer), 0)).all("a", "cite")
    assert [link["href"] for link in links] == ["#c0-1", "#c0-2"]


def test_a_worded_answer_links_the_numbers_it_has():
    answer = answered(citation("A.", 1), citation("B.", 2), text="It rose <b>[2]</b> and fell [1][9].")
    tree = Tree(render.message(Turn("q", answer), 0))
    assert [link["href"] for link in tree.all("a", "cite")] == ["#c0-2", "#c0-1"]
    assert tree.all("p", "said")[0]["text"] == "It rose <b>[2]</b> and fell [1][9]."


def test_a_question_read_as_it_was_asked_is_not_repeated():
    assert "Read as" not in render.message(Turn("q", answered(citation())), 0)


@given(texts, texts.filter(bool), texts, texts)
@settings(max_examples=300)
def test_the_highlight_is_the_slice_and_the_text_is_whole(before, quote, after, title):
    article = Article("a.txt", title or "t", before + quote + after, title, "", title, title)
    start = len(before)
    cited = citation(quote, revision=article.revision, start=start, end=start + len(quote))
    tree = Tree(render.desk(article, cited))
    marks = tree.all("mark")
    assert [(m["id"], m["text"]) for m in marks] == [("cited", article.text[start : start + len(quote)])]
    assert tree.all("div", "text")[0]["text"] == article.text
    assert tree.all("h2")[0]["text"] == article.title


def test_of_two_equal_sentences_the_cited_one_is_marked():
    text = "😀𝒳 first. It rained. 🏳️‍🌈 Then\n\nIt rained. And more.\n"
    start = text.rindex("It rained.")
    article = Article("a.txt", "t", text)
    html = render.desk(article, citation("It rained.", revision=article.revision, start=start, end=start + 10))
    assert Tree(html).all("mark")[0]["text"] == "It rained."
    assert "Then" in html.split("<mark")[0]


def test_paragraphs_headings_and_wrapped_lines_are_told_apart():
    wrapped = "These lines were wrapped by hand, as mail once\nwas, and they may flow again as the page is wide."
    text = f"The title\n\nA heading\n\n{wrapped}\n\nRoses are red,\nViolets are blue.\n\nThe end was near."
    article = Article("a.txt", "The title", text)
    start = text.index("The end")
    html = render.desk(article, citation("The end was near.", revision=article.revision, start=start, end=len(text)))
    looks = [p["class"] for p in Tree(html).all("p") if p.get("class") not in ("origin", "byline")]
    assert looks == ["repeated", "heading", "flows", "kept", "kept"]


@pytest.mark.parametrize("change", ["text", "gone", "offsets"])
def test_an_article_that_is_not_the_cited_one_is_never_marked(change):
    article = Article("a.txt", "t", "The quote. More.")
    cited = citation(revision="another" if change == "text" else article.revision, end=9 if change == "offsets" else 10)
    tree = Tree(render.desk(None if change == "gone" else article, cited))
    assert not tree.all("mark")
    assert tree.all("blockquote")[0]["text"] == "The quote."
    assert ("removed" if change == "gone" else "changed") in tree.all("p", "gone")[0]["text"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a?b=1&c=2", "example.org"),
        ("http://example.org:8080/", "example.org:8080"),
        ("https://exämple.org/", "xn--exmple-cua.org"),
        ("javascript:alert(1)", ""),
        ("https://good.example\\@evil.example/", ""),
        ("https://good.example@evil.example/", ""),
        ("https://exa mple.org/", ""),
        ("https://[bad", ""),
        ("https://a.example:99999/", ""),
        ("//example.org/", ""),
        ("file:///etc/passwd", ""),
        ("", ""),
    ],
)
def test_the_original_is_linked_by_its_host(url, shown):
    article = Article("a.txt", "t", "The quote.", url=url)
    links = Tree(render.desk(article, citation(revision=article.revision, url=url))).all("a")
    assert [link["text"] for link in links] == ([f"Original on {shown}"] if shown else [])
    if shown:
        assert links[0]["href"] == f"{web(url)}#:~:text=The%20quote."
        assert links[0]["rel"] == "noopener noreferrer"


@pytest.mark.parametrize(
    ("address", "found"),
    [("#c2-1", (True, 2, 1)), ("#n0-3", (False, 0, 3)), ("#c-1", None), ("#c1-1x", None), ("#x1-1", None), ("", None),
     ("#c9999999-1", None)],
)  # fmt: skip
def test_only_our_links_are_places(address, found):
    assert render.place(address) == found


@given(st.lists(texts, max_size=3), st.integers(1, 2000))
def test_the_greeting_the_line_on_top_and_the_rest_are_text(lines, count):
    tree = Tree(render.welcome(count, lines))
    assert [e["text"] for e in tree.all("button", "example")] == lines
    tree = Tree(render.library_line(count, 1, lines, lines, len(lines)))
    assert [e["text"] for e in tree.all("p", "notice")] == lines
    assert [e["text"] for e in tree.all("li")] == lines
    assert "1 sentence" in tree.all("p", "counts")[0]["text"]
    for line in lines:
        assert Tree(render.welcome_empty(line, [".txt"])).elements
    assert Tree(render.searching(count)).elements[0]["text"].startswith("Searching")
    assert Tree(render.blank_desk()).elements


def test_the_short_answer_is_set_off_inside_its_quote():
    cited = citation("About 5,000 <or> more remain.", start=100, end=129, answer_start=106, answer_end=116)
    html = render.message(Turn("Who?", answered(cited)), 1)
    assert f"About <strong>{render.escape('5,000 <or>')}</strong>{render.escape(' more remain.')}" in html
