"""A citation is shown only if it holds, and it holds exactly."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import NoLibrary
from index.types import Article
from qa import Assistant
from qa.cite import cite

TEXT = "The base was hit. Troops left in May.\n\nThe base was hit. 🚀 Nobody was hurt, “they” said."


@pytest.fixture
def assistant():
    with Assistant.of_texts(
        [Article("a", "The base", TEXT), Article("b", "Other", "Seeds are kept in a vault.")]
    ) as opened:
        yield opened


def test_quotes_are_exact_also_where_a_sentence_stands_twice(assistant):
    citations = assistant.search("Was the base hit?", k=10)
    assert {(c.start, c.end) for c in citations if c.quote == "The base was hit."} == {(0, 17), (39, 56)}
    for c in citations:
        assert assistant.article(c.article_id).text[c.start : c.end] == c.quote
    assert [c.number for c in citations] == list(range(1, len(citations) + 1))


def test_a_tampered_text_is_never_cited(assistant):
    evidence = assistant.results("Was the base hit?").evidence
    assert cite(evidence, assistant._library)
    library = assistant._library

    class Tampered:
        around = library.around

        def article(self, article_id):
            found = library.article(article_id)
            return replace(found, text=found.text.replace("Troops", "Troups")) if found else None

    assert all(c.article_id != "a" for c in cite(evidence, Tampered()))


def test_a_removed_article_is_not_cited(assistant):
    evidence = assistant.results("Was the base hit?").evidence
    assistant._library.remove("a")
    assert all(c.article_id == "b" for c in cite(evidence, assistant._library))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=80),
            st.sampled_from(
                [
                    "The base was hit.",
                    "About 5,000 U.S. troops remain.",
                    "“Why?” she asked.",
                    "e\u0301 👩‍🚀",
                    "[1]",
                    "…",
                ]
            ),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([" ", "\n", "\n\n", "\t"]),
)
def test_every_quote_equals_the_text_at_its_offsets(parts, joiner):
    text = joiner.join(parts)
    with Assistant.of_texts([text]) as assistant:
        try:
            answer = assistant.ask("Was the base hit?")
        except NoLibrary:
            assert not text.replace("\0", "\ufffd").strip()
            return
        stored = assistant.article("text-1").text
        assert stored == text.replace("\0", "\ufffd")
        for c in (*answer.citations, *answer.closest, *assistant.search("base", k=50)):
            assert stored[c.start : c.end] == c.quote != ""
