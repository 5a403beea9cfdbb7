"""Whether a claim stands in its sentences: gold pairs, and what must hold for any text."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index.encoder import encoder
from index.split import sentences
from qa.support import verdict
from qa.support.text import plain

GOLD = Path(__file__).parent / "gold" / "claims.jsonl"
PAIRS = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]


def test_the_gold_pairs_are_balanced_and_their_halves_share_no_source():
    assert len(PAIRS) == 184
    assert Counter(pair["changed"] for pair in PAIRS) == {
        None: 92, "number": 20, "date": 20, "name": 20, "quantity": 12, "negation": 12, "relation": 8
    }  # fmt: skip
    assert all(pair["holds"] == (pair["changed"] is None) for pair in PAIRS)
    odd, even = PAIRS[::2], PAIRS[1::2]
    assert Counter(pair["changed"] for pair in odd) == Counter(pair["changed"] for pair in even)
    assert not {tuple(pair["sentences"]) for pair in odd} & {tuple(pair["sentences"]) for pair in even}


HOLD = [
    ("The Ever Given blocked the Suez Canal for six days.", "For six days the ship Ever Given blocked the Suez Canal."),
    ("Ms. Lopez, 45, won the seat.", "Maria Lopez, a 45-year-old teacher, won the seat."),
    ("Workers will get between 5 and 7 percent more.", "Workers will receive 5 to 7 percent more pay."),
    ("It cost about $10 billion.", "The telescope had taken two decades and about $10 billion to get there."),
    ("The vault holds over a million seed samples.", "The vault holds more than 1 million samples of seeds."),
    ("NASA launched the probe.", "The National Aeronautics and Space Administration launched the probe."),
    ("The National Aeronautics and Space Administration built it.", "NASA built it in four years."),
    ("The reactor was shut down after 40 years.", "After four decades of service, the reactor was shut down."),
    ("Sea levels could climb 30 centimeters by 2050.", "Sea levels could climb by 0.3 meters by 2050."),
    ("Researchers found no evidence that it works.", "Researchers did not find evidence that it works."),
    ("Turnout was the lowest since World War II.", "Turnout was the lowest since the Second World War."),
    ("Half an hour later the fire was out.", "The fire was out 30 minutes later."),
    ("Roughly one in ten adults has diabetes.", "About ten percent of adults have diabetes."),
    ("The Quds Force is commanded by Esmail Qaani.", "Esmail Qaani commands the Quds Force."),
    ("The Pentagon blamed Iran-backed militias.", "The Pentagon blamed militias backed by Iran."),
    ("The river rose by 2 m.", "The river rose two meters in one night."),
    ("Kiptum ran it in 2:00:35.", "Kiptum ran 2:00:35 in Chicago."),
    ("He called it “a disgrace”.", "It was “a disgrace”, he said."),
]
FAIL = [
    ("The ship blocked the canal for five days.", "For six days the ship blocked the canal.", "five days"),
    ("It cost €10 billion.", "It cost about $10 billion.", "€10 billion"),
    ("Inflation slowed by 2.5 percentage points.", "Inflation slowed to 2.5 per cent.", "2.5 percentage"),
    ("He scored in the 98th minute.", "He scored in the 89th minute.", "98th"),
    ("He was born on 4 March 1980.", "He was born on 4 March 1962 and died on 5 May 1980.", "4 March 1980"),
    ("It happened on Monday.", "It happened on Tuesday morning.", "Monday"),
    ("Athens hosted the games.", "Paris hosted the games in 2024.", "Athens"),
    ("Anna Lund resigned.", "Anna Berg and Peter Lund resigned.", "Anna Lund"),
    ("The law applies to farms.", "The law does not apply to farms.", "not"),
    ("No people died.", "At least 12 people died in the storm.", "No"),
    ("The river fell by 2 m.", "The river rose two meters in one night.", "fell"),
    ("Russia attacked Ukraine in 2014.", "Ukraine attacked Russia in 2014.", "Russia attacked Ukraine"),
    ("He called it “a triumph”.", "It was “a disgrace”, he said.", "a triumph"),
    ("See http://evil.example/x for more.", "See the paper for more.", "http://evil.example/x"),
    ("It rose <img src=x>.", "It rose.", "<img src=x>"),
    ("At most 60 tonnes died.", "At least 60 tonnes of fish died.", "60 tonnes"),
    ("…", "It rained.", "says nothing"),
]


@pytest.mark.parametrize(("claim", "sentence"), HOLD)
def test_it_holds(claim, sentence):
    assert verdict(claim, [sentence]).failing == ""


@pytest.mark.parametrize(("claim", "sentence", "item"), FAIL)
def test_it_fails_and_names_what(claim, sentence, item):
    found = verdict(claim, [sentence])
    assert not found.holds
    assert item in found.failing


def test_facts_may_come_from_two_sentences():
    first, second = "Hubble was launched in 1990.", "In December 1993 astronauts repaired it."
    claim = "Hubble, launched in 1990, was repaired in December 1993."
    assert verdict(claim, [first, second]).holds
    assert not verdict(claim, [first]).holds and not verdict(claim, [second]).holds


def test_another_subject_is_refused_by_the_encoder_alone():
    claim, sentence = "The prize was handed over.", "The glacier is melting."
    assert verdict(claim, [sentence]).holds
    assert verdict(claim, [sentence], encoder()).failing == "it is about something else"


def test_every_sentence_of_the_seeds_supports_itself_and_not_with_another_number(seeds):
    texts = [seeds.article(article_id).text for article_id in seeds.articles()]
    swapped = 0
    for sentence in (text[start:end] for text in texts for start, end in sentences(text)):
        assert verdict(sentence, [sentence]).failing == ""
        for number in re.finditer(r"\d+(?:,\d{3})*(?:\.\d+)?", sentence):
            other = str(int(re.sub(r"\D", "", number[0])) + 7)
            if other not in sentence:
                swapped += 1
                changed = sentence[: number.start()] + other + sentence[number.end() :]
                assert not verdict(changed, [sentence]).holds, changed
    assert swapped > 300


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=300)
@example("\u00ab\u00af\u00ab0", "")  # a quotation without a letter
def test_any_text_supports_itself_and_nothing_breaks_it(claim, sentence):
    assert isinstance(verdict(claim, [sentence]).failing, str)
    if any(character.isalnum() for character in plain(claim)):
        assert verdict(claim, [claim]).failing == ""


@given(
    st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["soldiers", "percent", "miles", "dollars", "hours"])
)
def test_one_number_for_another_never_passes(one, other, what):
    template = "The report of the ministry counts {} {} in all."
    told = template.format(f"{one:,}", what)
    assert verdict(template.format(other, what), [told]).holds == (one == other)


DATES = st.dates(date(1000, 1, 1), date(2199, 12, 31))


@given(DATES, DATES)
def test_a_day_is_the_same_day_however_it_is_written(one, other):
    ways = ("{d:%b}. {d.day}, {d.year}", "{d.day} {d:%B} {d.year}", "the {d.day}th of {d:%B} {d.year}", "{d:%Y-%m-%d}")
    for way in ways:
        told = f"The bridge was opened on {ways[1].format(d=one)}."
        assert verdict(f"The bridge was opened on {way.format(d=one)}.", [told]).holds
        assert verdict(f"The bridge was opened on {way.format(d=other)}.", [told]).holds == (one == other)


@given(st.integers(0, 999_999))
def test_a_number_in_words_is_the_number_in_digits(number):
    assert verdict(f"The town has {spelt(number)} trees.", [f"The town has {number:,} trees."]).holds
    assert not verdict(f"The town has {spelt(number + 1)} trees.", [f"The town has {number:,} trees."]).holds


def spelt(number):
    ones = (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen"
    ).split()
    tens = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
    if number < 20:
        return ones[number]
    if number < 100:
        return tens[number // 10] + (f"-{ones[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ones[number // 100]} hundred" + (f" and {spelt(number % 100)}" if number % 100 else "")
    return f"{spelt(number // 1000)} thousand" + (f" {spelt(number % 1000)}" if number % 1000 else "")


def test_the_half_kept_aside_reaches_what_the_readme_says():
    """Figures, not single lines: nothing is mended by what is wrong here."""
    refused, seen = Counter(), Counter()
    for pair in PAIRS[1::2]:
        seen[pair["changed"]] += 1
        refused[pair["changed"]] += not verdict(pair["claim"], pair["sentences"], encoder()).holds
    assert refused[None] <= 0.10 * seen[None]
    facts = ("number", "date", "name")
    assert sum(refused[kind] for kind in facts) >= 0.95 * sum(seen[kind] for kind in facts)
