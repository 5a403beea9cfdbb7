"""What kind of answer a question asks for, and whether a sentence offers one.

Counts, dates and names that the question itself has are no answer to it, so they do not count.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, cast

from index.terms import STOP, words

Kind = Literal["count", "money", "span", "date", "person", "place", "name", "reason", "way", "other"]


def _any(listed: str) -> str:
    """Return a pattern for any of the words in a text."""
    return "(?:" + "|".join(listed.split()) + ")"


_MEASURE = _any(
    "big large tall long far high low old fast cold hot wide deep heavy thick bad effective strong young close near "
    "often"
)
_AMOUNT = _any(
    "percent percentage share proportion fraction number amount temperature size speed distance age height length "
    "weight level rate population total"
)
_PRICE = _any("cost price budget salary fee value revenue")
_PAID = _any("cost pay spend earn raise demand invest")
_UNIT = _any("years months weeks days hours minutes seconds")
_WHEN = _any("year date day month decade century time")
_ROLE = _any(
    "person man woman people leader president minister secretary commander general king queen emperor author "
    "scientists? artist actor player coach spokesman spokeswoman official chief founder owner member officer"
)
_PLACE = _any(
    "country countries city cities town state region place river island continent province port village area "
    "location nation"
)
_CAUSE = _any("caused? causes reasons? prompted led motivated made")
_NAMED = _any("name called named title nationality award company firm group party language religion")
_THING = _any(
    "company firm organi[sz]ation group party award nationality language treaty law book film ship aircraft school "
    "university team agency"
)
_VERB = _any("did do does is are was were can could have has will would")

_COSTLY = r"how expensive|\bworth (?:of|in)\b|\bis worth\b|how much is .* worth"
# "When did", "And when was", "In 1990, when", but not "Who was president when".
_WHEN_ASKED = r"(?:^|[,;:]\s*)(?:(?:and|but|so|then|since|until|by)\s+)*when\b"
_LASTED = r"what (?:was|is|were) .{0,40}\btime\b"

# In this order: "how much money" is asked before "how much", "what year" before "what".
_ASKED = tuple(
    (name, re.compile("|".join(patterns), re.IGNORECASE))
    for name, *patterns in (
        ("money", rf"how much (?:money|did .* {_PAID})\b", rf"(?:what|how much) (?:\w+ ){{0,4}}{_PRICE}\b", _COSTLY),
        ("span", r"how long\b(?! ago)", rf"how many (?:\w+ )?{_UNIT}\b", "for how (?:many|long)", _LASTED),
        ("count", rf"how (?:many|much|{_MEASURE})\b", rf"what {_AMOUNT}\b", rf"\bat what {_AMOUNT}"),
        ("date", _WHEN_ASKED, rf"\b(?:what|which) (?:\w+ )?{_WHEN}\b", "how long ago", r"what era\b"),
        ("person", r"\bwho(?:se|m)?\b", rf"\b(?:what|which) (?:\w+ ){{0,2}}{_ROLE}\b"),
        ("place", r"\bwhere\b", rf"\b(?:what|which) (?:\w+ ){{0,2}}{_PLACE}\b", "(?:from|to) which"),
        ("reason", r"\bwhy\b", rf"what (?:\w+ )?{_CAUSE}\b", "how come", "for what (?:reason|purpose)"),
        ("name", r"\bwhich\b", rf"what (?:is|was|are|were) (?:the )?(?:\w+ ){{0,3}}{_NAMED}", rf"what {_THING}\b"),
        ("way", rf"^(?:and |but )?how {_VERB}\b", "in what way", "by what means"),
    )
)  # fmt: skip

_NUMBER = re.compile(
    r"(?<![\w.,-])\d+(?:[.,]\d+)*|\b"
    + _any(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundreds? thousands? millions? "
        "billions? "
        "trillions? dozens? half third quarter twice double both several none"
    )
    + r"\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_MONEY = re.compile(
    r"[$€£¥]\s?\d|\b" + _any("dollars? euros? pounds? cents? kroner yen rubles? million billion") + r"\b", re.IGNORECASE
)
_SPAN = re.compile(
    r"\b"
    + _any(
        "seconds? minutes? hours? days? weeks? months? years? decades? century centuries kilomet(?:er|re)s? km miles? "
        "met(?:er|re)s? feet foot"
    )
    + r"\b|\d:\d\d",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:1[0-9]|20)\d\d\b|\b\d+0s\b|\b"
    + _any(
        "Jan(?:uary)? Feb(?:ruary)? March April May June July Aug(?:ust)? Sept(?:ember)? Oct(?:ober)? Nov(?:ember)? "
        "Dec(?:ember)? Monday Tuesday Wednesday Thursday Friday Saturday Sunday century centuries"
    )
    + r"\b"
)
_DAY = re.compile(  # "March 16", "Dec. 2", "26 February": a number that counts nothing
    r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+\d{1,2}\b"
    r"|\b\d{1,2}\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
)
_CAPITAL = re.compile(r"\b[A-Z][\w’'-]*[a-z][\w’'-]*|\b[A-Z]{2,}\b")
_PEOPLE = re.compile(
    _any(
        "Afghans? Americans? Arabs? Argentines? Asians? Australians? Austrians? Belgians? Brazilians? British "
        "Canadians? Chinese Cubans? Czechs? Danish Dutch Egyptians? English Europeans? Finnish French Germans? Greeks? "
        "Hungarians? Indians? Indonesians? Iranians? Iraqis? Irish Israelis? Italians? Japanese Jewish Jordanians? "
        "Koreans? Kurdish Kurds? Lebanese Mexicans? Moroccans? Muslims? Nigerians? Norwegians? Pakistanis? Palestinian "
        "Polish Portuguese Russians? Saudis? Scottish Serbs? Shiites? Spanish Sunnis? Swedish Swiss Syrians? Thai "
        "Tunisians? Turkish Turks? Ukrainians? Vietnamese Welsh Western Yemenis?"
    )
)
_OPENER = _any("The This That In On At For By But And After Before His Her Its A An When While As From With")
# "Lt. Col. Hassan Kadhim", "Sean O'Keefe", "James E. Webb", "Adel Abdul-Mahdi", but not "The Pentagon"
_PERSON = re.compile(
    rf"\b(?!{_OPENER}\b)[A-Z][a-z]+[\w’'-]*(?:\s+(?:[A-Z]\.|al|bin|de|der|van|von|of))*\s+(?:al-)?[A-Z][a-z’']+[\w’'-]*"
)
_WHERE = re.compile(
    r"\b"
    + _any("in at near from to outside of on across through into between along")
    + r"\s+(?:(?:the|northern|southern|western|eastern|central)\s+)?([A-Z][\w’'-]+)"
)
_REASON = re.compile(
    r"\b(?:because|since|due to|owing to|as a result|so that|in order to|therefore|thus|caused?|causing|reasons?|"
    r"led to|after|blamed?|fear(?:ed|s|ing)?|result(?:ed|ing)?|over (?:whether|the)|"
    r"to (?:avoid|prevent|protect|keep|make|help|reduce|stop|protest|gain))\b",
    re.IGNORECASE,
)
_WAY = re.compile(r"\b(?:by|using|used|through|with|via|means of)\b", re.IGNORECASE)


def kind(question: str) -> Kind:
    """Return the kind of answer that a question asks for.

    >>> kind("How many U.S. troops remain in Iraq?"), kind("Who was killed?"), kind("Tell me about Kirkuk.")
    ('count', 'person', 'other')
    """
    for name, pattern in _ASKED:
        if pattern.search(question):
            return cast(Kind, name)
    return "other"


def offers(wanted: Kind, sentence: str, asked: Collection[str]) -> float:
    """Return how well a sentence could hold something of that kind; what the question names itself does not count.

    Returns:
        1 if it does, 0.5 for a person where there is a name that may be another thing's, 0 if it does not.

    Args:
        asked: The question's words, in lower case.

    >>> offers("count", "About 5,000 troops remain.", {"how", "many", "troops"})
    1.0
    >>> offers("count", "It happened on March 16, 2020, at K-1.", {"how", "many", "troops"})
    0.0
    >>> offers("person", "The Pentagon blamed Hoffman.", {"hoffman", "pentagon"})
    0.0
    """
    if wanted == "count":
        undated = _DAY.sub(" ", sentence)
        return float(any(_new(found, asked) and not _YEAR.fullmatch(found) for found in _NUMBER.findall(undated)))
    if wanted == "money":
        return float(bool(_MONEY.search(sentence)))
    if wanted == "span":
        return float(bool(_SPAN.search(sentence)) and bool(_NUMBER.search(sentence)))
    if wanted == "date":
        return float(any(_new(found, asked) for found in _DATE.findall(sentence)))
    if wanted == "person" and any(_new(found, asked) for found in _PERSON.findall(sentence)):
        return 1.0
    if wanted in ("person", "name"):
        return (0.5 if wanted == "person" else 1.0) * any(_new(found, asked) for found in _capitals(sentence))
    if wanted == "place":
        return float(any(_new(found, asked) for found in _WHERE.findall(sentence)))
    if wanted == "reason":
        return float(bool(_REASON.search(sentence)))
    if wanted == "way":
        return float(bool(_WAY.search(sentence)))
    return 0.0


def fits(wanted: Kind, words_found: str, asked: Collection[str]) -> bool:
    """Return whether a few words are of the kind that a question asks for; why and how are not answered in a few.

    >>> fits("count", "About 5,000", {"how", "many"}), fits("count", "the militia", {"how", "many"})
    (True, False)
    """
    if wanted in ("reason", "way") or _asks_back(words_found, asked):
        return False
    if wanted in ("count", "money"):
        return bool(_NUMBER.search(words_found)) or bool(_MONEY.search(words_found))
    if wanted == "span":
        return bool(_SPAN.search(words_found)) or bool(_NUMBER.search(words_found))
    if wanted == "date":
        return bool(_DATE.search(words_found)) or bool(_NUMBER.search(words_found))
    if wanted in ("person", "place", "name"):
        return bool(re.search(r"[^\W\d_]", words_found)) and any(c.isupper() for c in words_found)
    return True


def names_a_person(question: str) -> bool:
    """Return whether a question asks for a person's name in so many words.

    >>> names_a_person("What is the name of the man who won?"), names_a_person("Who won?")
    (True, False)
    """
    return kind(question) == "person" and not {"name", "names"}.isdisjoint(words(question))


def is_a_name(words_found: str, asked: Collection[str]) -> bool:
    """Return whether a few words end in a name that the question does not have.

    >>> [is_a_name(words, {"contractor"}) for words in ("Mark T. Esper", "American contractor", "American")]
    [True, False, False]
    """
    found = words_found.split()
    if not found or not found[-1].lstrip("‘’“”\"'(")[:1].isupper() or _PEOPLE.fullmatch(found[-1]):
        return False
    return _new(found[-1], asked)


def widened(wanted: Kind, sentence: str, start: int, end: int) -> tuple[int, int]:
    """Return a span, made as wide as the whole name that it cuts into where a person is asked for.

    >>> widened("person", "Defense Secretary Mark T. Esper said so.", 18, 25)
    (18, 31)
    """
    if wanted == "person":
        for found in _FULL_NAME.finditer(sentence):
            if found.start() < end and start < found.end():
                return min(start, found.start()), max(end, found.end())
    return start, end


# A name without the rank before it: "Mark T. Esper" in "Defense Secretary Mark T. Esper".
_FULL_NAME = re.compile(
    r"\b(?!(?:Lt|Col|Gen|Sgt|Mr|Mrs|Ms|Dr|Prof|President|Secretary|Defense|Minister|Senator|Governor|Judge|The)\b)"
    r"[A-Z][a-z]+[\w’'-]*(?:\s+(?:[A-Z]\.|al|bin|de|der|van|von))*\s+(?:al-)?[A-Z][a-z’']+[\w’'-]*"
)


def _asks_back(found: str, asked: Collection[str]) -> bool:
    """Return whether some words say no more than the question itself."""
    return not words(found) or all(word in asked or word in STOP for word in words(found))


def _capitals(sentence: str) -> list[str]:
    """Return the words with a capital; the first one only where no sentence would begin with it."""
    found = list(_CAPITAL.finditer(sentence))
    opening = re.match(r"\W*", sentence)
    first = opening.end() if opening else 0
    return [m.group() for m in found if m.start() != first or m.group().lower() not in STOP]


def _new(found: str, asked: Collection[str]) -> bool:
    return not all(word in asked for word in words(found))
