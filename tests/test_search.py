"""A question to ranked evidence: fused, once each, in one order, and never from what is gone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_fixtures import HashEncoder, check_exact, draft, news, publish

from index.encoder import encoder
from index.errors import EncoderMismatch
from index.library import Library
from index.search import Search, Weights, standardised
from index.types import Article
from index.vectors import VectorIndex

BODY = (
    "The ferry Lady Maren ran aground off Tarnsey on Sunday. All 84 passengers were taken ashore by lifeboat. "
    "The coastguard said that no fuel had leaked."
)


def opened(library, hashed=None, owner=False):
    index = VectorIndex(library, owner=owner)
    index.open()
    return Search(library, hashed or HashEncoder(), index)


@pytest.fixture
def library(tmp_path):
    made = Library(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def many():
    """Thirty articles, and the ferry."""
    made = Library(None)
    for n in range(30):
        publish(made, f"{n:02}.txt", news(n, 12), f"News {n}")
    publish(made, "ferry.txt", f"Ferry runs aground\n\n{BODY}", "Ferry runs aground")
    yield made
    made.close()


def test_the_sentence_that_answers_comes_first(many):
    results = opened(many)("How many passengers were taken ashore?")
    best = results.evidence[0]
    assert best.text == "All 84 passengers were taken ashore by lifeboat."
    article = many.article("ferry.txt")
    assert article.text[best.sentence.start : best.sentence.end] == best.text
    assert results.hits[0].passage.article_id == "ferry.txt" and results.engine == "exact"
    assert [e.score for e in results.evidence] == sorted((e.score for e in results.evidence), reverse=True)
    assert [h.score for h in results.hits] == sorted((h.score for h in results.hits), reverse=True)
    assert 0.5 < best.coverage <= 1 and -1 <= best.cosine <= 1 and best.hit.bm25 > 0


def test_a_heading_is_no_evidence(many):
    results = opened(many)("Ferry runs aground")
    assert results.hits[0].passage.article_id == "ferry.txt"
    assert all(item.text != "Ferry runs aground" for item in results.evidence)


def test_every_passage_and_sentence_stands_there_once(many):
    results = opened(many)("minister vote harvest storm")
    assert len({hit.passage.key for hit in results.hits}) == len(results.hits)
    places = [(e.sentence.article_id, e.sentence.start) for e in results.evidence]
    assert len(set(places)) == len(places) > 20
    for item in results.evidence:
        text = many.article(item.sentence.article_id).text
        assert text[item.sentence.start : item.sentence.end] == item.text


def test_copies_say_it_once(library):
    first = library.publish(draft(Article("a.txt", "A", BODY)), "a.txt")
    library.publish(draft(Article("b.txt", "B", BODY)), "b.txt", first)
    library.publish(draft(Article("c.txt", "C", BODY.replace("84", "85"))), "c.txt", first)
    library.publish(draft(Article("d.txt", "D", BODY)), "d.txt")  # no copy: it was not grouped
    told = [(e.sentence.article_id, e.text) for e in opened(library)("How many passengers were taken ashore?").evidence]
    passengers = [article_id for article_id, text in told if "passengers" in text]
    assert sorted(passengers) == ["a.txt", "c.txt", "d.txt"], "another number is another fact"
    assert [article_id for article_id, text in told if "fuel" in text] == ["a.txt", "d.txt"]


def test_the_same_sentence_twice_in_one_article_is_two_places(library):
    publish(library, "a.txt", "He left. Nobody saw him. He left.")
    evidence = opened(library)("Who left?").evidence
    assert sorted(e.sentence.start for e in evidence if e.text == "He left.") == [0, 25]


QUESTIONS = [
    '"ferry" AND (aground OR NOT -fuel) NEAR(a b) title:x * ^y {z} \'; DROP TABLE words; --',
    "ferry*",
    '"',
    "col:ferry + aground",
    "搁浅的渡轮上有多少人？",
    "🚢⛴️ 👨‍👩‍👧?",
    "¿Cuántos pasajeros?",
    "a" * 2000,
    "ferry " * 300,
    "the of and",
    "\u202egnisrever\ufeff",
    "0",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_any_question_can_be_asked(many, question):
    results = opened(many)(question)
    assert len(results.hits) == 31 or len(results.hits) > 0
    assert all(np.isfinite(hit.score) for hit in results.hits)
    assert all(np.isfinite([e.score, e.cosine, e.coverage]).all() and 0 <= e.coverage <= 1 for e in results.evidence)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=100))
@settings(max_examples=50, deadline=None)
def test_any_text_is_a_question(many, question):
    search = opened(many)
    assert search(question) == search(question)


def test_chinese_is_found_by_what_is_written_alike(library):
    publish(library, "a.txt", "渡轮在港口搁浅。没有人受伤。")
    publish(library, "b.txt", "Nothing happened here.")
    evidence = opened(library)("渡轮在港口搁浅").evidence
    assert evidence[0].text == "渡轮在港口搁浅。"


@pytest.mark.parametrize("owner", [False, True])
def test_a_deleted_article_is_never_found(library, owner):
    for n in range(10):
        publish(library, f"{n}.txt", news(n))
    publish(library, "ferry.txt", BODY)
    index = VectorIndex(library, owner=owner)
    index.open()
    search = Search(library, HashEncoder(), index)
    question = "How many passengers were taken ashore?"
    assert search(question).evidence[0].sentence.article_id == "ferry.txt"
    assert search(question).engine == ("chroma" if owner else "exact")
    old = library.article("ferry.txt").revision
    publish(library, "ferry.txt", BODY.replace("84", "99"))
    for _ in range(2):
        found = search(question)
        assert "All 99 passengers were taken ashore by lifeboat." == found.evidence[0].text
        assert all(h.passage.revision != old for h in found.hits)
        index.catch_up()
    library.remove("ferry.txt")
    for _ in range(2):
        found = search(question)
        assert all(h.passage.article_id != "ferry.txt" for h in found.hits)
        assert all(e.sentence.article_id != "ferry.txt" for e in found.evidence)
        index.catch_up()
    index.close()


def test_an_empty_library(library):
    results = opened(library)("Who?")
    assert (results.hits, results.evidence) == ((), ())


def test_chroma_and_exact_search_give_the_same(library):
    for n in range(60):
        publish(library, f"{n:02}.txt", news(n, 12))
    publish(library, "ferry.txt", BODY)
    exact, chroma = opened(library), opened(library, owner=True)
    for question in ("How many passengers were taken ashore?", "Which minister voted in part 3?", "harvest"):
        one, other = exact(question), chroma(question)
        assert (one.engine, other.engine) == ("exact", "chroma")
        assert (one.hits, one.evidence) == (other.hits, other.evidence)
    chroma._vectors.close()


def test_the_order_is_that_of_the_articles_whatever_their_history(tmp_path):
    """Published in another order, edited and renamed in between: the same results, but for the library's numbers."""
    texts = {f"{n:02}.txt": news(n, 9) for n in range(40)} | {"ferry.txt": BODY, "twin.txt": BODY, "also.txt": BODY}
    found = []
    for turn, order in enumerate((sorted(texts), sorted(texts, reverse=True))):
        library = Library(tmp_path / str(turn))
        for name in order:
            if turn:
                publish(library, name, news(99))
            publish(library, name, texts[name])
        results = opened(library, owner=bool(turn))("How many passengers were taken ashore?")
        found.append(
            (
                [(h.passage.article_id, h.passage.number, round(h.score, 6)) for h in results.hits],
                [(e.sentence.article_id, e.sentence.number, round(e.score, 6)) for e in results.evidence],
            )
        )
        library.close()
    assert found[0] == found[1]
    assert [article_id for article_id, *_ in found[0][0]][:3] == ["also.txt", "ferry.txt", "twin.txt"]


def test_neighbours_change_no_sentence(library):
    publish(library, "ferry.txt", BODY)
    before = library.sentences("ferry.txt")
    for n in range(20):
        publish(library, f"{n}.txt", news(n))
    library.remove("3.txt")
    assert library.sentences("ferry.txt") == before
    check_exact(library)
    best = opened(library)("How many passengers were taken ashore?").evidence[0]
    assert best.sentence.article_id == "ferry.txt" and best.sentence in before


def test_space_case_and_mark_change_nothing_that_counts(many):
    search = opened(many)
    best = {
        search(question).evidence[0].sentence
        for question in (
            "How many passengers were taken ashore?",
            "how many passengers were taken ashore",
            "  How many  PASSENGERS were taken ashore ?!",
        )
    }
    assert len(best) == 1


def test_another_encoder_is_refused(library):
    library.match_encoder(HashEncoder(), claim=True)
    publish(library, "a.txt", BODY)
    other = HashEncoder()
    other.fingerprint = "other"
    with pytest.raises(EncoderMismatch):
        opened(library, other)("Who?")


def test_few_candidates(many):
    index = VectorIndex(many, owner=False)
    results = Search(many, HashEncoder(), index, Weights(candidates=2, read=1))(
        "How many passengers were taken ashore?"
    )
    assert len(results.hits) == 1
    assert {e.hit.passage.key for e in results.evidence} == {results.hits[0].passage.key}


def test_titles_are_searched(library):
    publish(library, "a.txt", "It was closed for a year. Nobody knew why.", title="Tarnsey museum")
    for n in range(10):
        publish(library, f"{n}.txt", news(n))
    assert opened(library)("What about the Tarnsey museum?").hits[0].passage.article_id == "a.txt"


@given(st.lists(st.floats(-10, 10), max_size=30))
def test_standardised(values):
    found = standardised(np.array(values))
    assert len(found) == len(values) and np.isfinite(found).all()
    if np.ptp(values or [0]) > 1e-6:
        assert abs(found.mean()) < 1e-6 and abs(found.std() - 1) < 1e-6


def test_with_the_real_encoder_meaning_finds_what_words_do_not(tmp_path):
    real = encoder()
    library = Library(tmp_path)
    texts = {"ferry.txt": BODY, "bread.txt": "Knead the dough for ten minutes. Then bake it until the crust is brown."}
    from index import copies
    from index.library import Draft
    from index.split import sentences

    for name, text in texts.items():
        spans = sentences(text)
        vectors, parts = real.passages([text], [spans])
        library.publish(
            Draft(Article(name, name, text), spans, [range(len(spans))], vectors, parts, copies.signature(text)), name
        )
    search = opened(library, real, owner=True)
    assert search("Was anybody rescued from the vessel?").evidence[0].text.startswith("All 84 passengers")
    assert search("How do I make a loaf?").hits[0].passage.article_id == "bread.txt"
    search._vectors.close()
    library.close()
