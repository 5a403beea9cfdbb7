"""Filters: nothing of an article outside is shown, and what is inside is found as if it were alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from library_fixtures import HashEncoder, crowd, draft, exact_search, news, random_rows

from index.errors import BadFilter
from index.library import Library
from index.search import Search
from index.types import Article, Within
from index.vectors import VectorIndex
from qa import Assistant, Turn

SOURCES = ("The Paper", "the herald", "Ünder & Söhne", "")
DAYS = ("2019-12-29", "2020-02-29", "2020-03-01", "2021-01-01", "")


def articles(count=24):
    return [
        Article(f"a{n}", f"Title {n}", news(n, 6), SOURCES[n % 4], "", "", DAYS[n % 5] if n % 7 else "")
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def shelves(tmp_path_factory):
    """A library in Chroma, its newest third beyond the watermark, and one that is searched exactly."""
    library = Library(tmp_path_factory.mktemp("within"))
    vectors = VectorIndex(library, owner=True)
    vectors.open()
    for n, article in enumerate(articles()):
        library.publish(draft(article), article.id)
        if n == 15:
            vectors.catch_up()
    library.remove("a3")
    yield library, vectors
    vectors.close()
    library.close()


def passes(within, article):
    return (
        (not within.sources or article.source.lower() in [source.lower() for source in within.sources])
        and (not within.articles or article.id in within.articles)
        and (not within.since or article.published >= within.since)
        and (not within.until or "" < article.published <= within.until)
    )


FILTERS = st.builds(
    lambda sources, days, ids: Within(sources, days[0], days[1], ids),
    st.lists(st.sampled_from(SOURCES), max_size=2).map(tuple),
    st.tuples(st.sampled_from(["", "2019", "2020-02", "2020-03-01"]), st.sampled_from(["", "2020-03", "2021"])),
    st.lists(st.sampled_from([f"a{n}" for n in range(24)]), max_size=6).map(tuple),
)
QUESTIONS = st.tuples(st.integers(0, 23), st.integers(0, 5)).map(lambda at: news(at[0], 6).split(". ")[at[1]])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(FILTERS, QUESTIONS)
def test_what_is_found_is_inside_and_as_in_a_library_of_its_own(shelves, within, question):
    library, vectors = shelves
    inside = [article for article in library.articles() if passes(within, article)]
    search = Search(library, HashEncoder(), vectors)
    if not inside:
        with pytest.raises(BadFilter, match=r"There is no article .*; choose"):
            search.inside(within)
        return
    results = search.inside(within)(question)
    shown = {hit.passage.article_id for hit in results.hits} | {e.sentence.article_id for e in results.evidence}
    assert shown <= {article.id for article in inside}
    alone = Library(None)
    for article in inside:
        alone.publish(draft(article), article.id)
    own = Search(alone, HashEncoder(), VectorIndex(alone, owner=False))(question)
    place = {(hit.passage.article_id, hit.passage.number): round(hit.cosine, 5) for hit in results.hits}
    assert place == {(hit.passage.article_id, hit.passage.number): round(hit.cosine, 5) for hit in own.hits}
    assert {e.sentence for e in results.evidence} == {e.sentence for e in own.evidence}
    if within:
        keys = library.keys(within)
        vector = HashEncoder().query(question)
        near, _ = vectors.search(vector, 5, keys)
        same = exact_search(alone, vector, 5)
        assert np.allclose(list(near.values()), list(same.values()), atol=1e-5)
        asked = question.split()[5:8]
        assert len(library.lexical(asked, 100, keys)) == len(alone.lexical(asked, 100))
    alone.close()


def test_a_wide_filter_is_asked_of_chroma_and_a_narrow_one_is_not(tmp_path):
    library = Library(tmp_path)
    rows = random_rows(3_000, 1)
    for n in range(30):
        crowd(library, f"a{n:02}", rows[n * 100 : (n + 1) * 100])
    _, _, rows = library.vectors(0)  # as they are kept, in a byte a number
    vectors = VectorIndex(library, owner=True)
    vectors.open()
    most = Within(articles=tuple(f"a{n:02}" for n in range(25)))
    few = Within(articles=("a07", "a29"))
    for within, engine in ((most, "chroma"), (few, "exact")):
        keys = library.keys(within)
        for vector in random_rows(5, 2):
            found, by = vectors.search(vector, 20, keys)
            scores = rows[keys - 1] @ vector
            best = keys[np.argsort(-scores)[:20]].tolist()
            assert by == engine and list(found) == best
    # Where Chroma's best are nearly all outside, exact search steps in.
    outside = rows[2_999]
    found, by = vectors.search(outside, 900, library.keys(most))
    assert len(found) == 900 and set(found) <= set(library.keys(most).tolist())
    vectors.close()
    library.close()


def test_a_filter_follows_the_library(tmp_path):
    library = Library(tmp_path)
    search = Search(library, HashEncoder(), VectorIndex(library, owner=False))
    within = Within("The Paper")
    with pytest.raises(BadFilter, match="from The Paper"):
        search.inside(within)
    for n, source in enumerate(("the paper", "The Herald")):
        library.publish(draft(Article(f"a{n}", "T", news(n), source)), f"a{n}")
    assert {e.sentence.article_id for e in search.inside(within)(news(1)).evidence} == {"a0"}
    library.remove("a0")
    with pytest.raises(BadFilter):
        search.inside(within)
    library.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"since": "29.12.2019"}, "'29.12.2019' is no date; write it like"),
        ({"until": "2019-02-30"}, "no 2019-02-30 in the calendar"),
        ({"since": "2020-13"}, "no 2020-13"),
        ({"since": "2021", "until": "2020"}, "No day is since 2021-01-01 and until 2020-12-31"),
    ],
)
def test_a_filter_that_cannot_be(given, told):
    with pytest.raises(BadFilter, match=told):
        Within(**given)


def test_months_and_years_are_whole():
    assert Within(since="2020", until="2020") == Within((), "2020-01-01", "2020-12-31")
    assert Within(since="2020-12", until="2020-12").until == "2020-12-31"
    assert not Within() and Within("x").sources == ("x",)
    assert (Within(until="9999").until, Within(until="9999-12").until) == ("9999-12-31", "9999-12-31")


def test_answers_stay_inside(seeds):
    """The real encoder and reader: citations, closest sentences, follow-ups, and a word about the filter."""
    question = "What did the James Webb Space Telescope cost?"
    free = seeds.ask(question)
    assert free.answered and not free.within
    webb = free.citations[0].article_id
    only = Within(articles=(webb,))
    inside = seeds.ask(question, within=only)
    assert [c.quote for c in inside.citations] == [c.quote for c in free.citations]
    assert inside.remarks == (f"Only articles in {webb} were asked.",) and inside.engine == "exact"
    assert "(only articles in james" in inside.to_markdown() and json.loads(inside.to_json())["within"]
    other = Within(articles=tuple(i for i in seeds.articles() if i != webb))
    outside = seeds.ask(question, within=other)
    assert webb not in {c.article_id for c in (*outside.citations, *outside.closest)}
    followed = seeds.ask("And when was it launched?", [Turn(question, free)], within=only)
    assert followed.standalone_question != followed.question
    assert {c.article_id for c in (*followed.citations, *followed.closest)} == {webb}
    dated = Within(since="2022", until="2022-12")
    found = seeds.search("ship", within=dated)
    assert found and all(c.published[:4] == "2022" for c in found)
    *_, last = seeds.stream(question, within=only)
    assert last.answer.text == inside.text
    with pytest.raises(BadFilter, match="There is no article from Nobody; choose another filter, or none"):
        seeds.ask(question, within=Within("Nobody"))
    with pytest.raises(BadFilter):
        seeds.search(question, within=Within(since="2090"))


def test_a_filter_with_texts():
    with Assistant.of_texts([Article("x", "X", "The bridge is red.", "A"), "The bridge is blue."]) as assistant:
        assert assistant.ask("What colour is the bridge?", within=Within("A")).citations[0].article_id == "x"
