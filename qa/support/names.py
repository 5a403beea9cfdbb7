"""The names of a claim, looked for in its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from index.terms import STOP
from qa.support.text import ROMAN, Token, fold

_PEOPLES = """
usa america american americans | britain british briton britons | france french frenchman | germany german germans |
spain spanish spaniard spaniards | italy italian italians | greece greek greeks | turkey turkish turk turks turkiye |
netherlands dutch holland | denmark danish dane danes | sweden swedish swede swedes | norway norwegian norwegians |
finland finnish finn finns | iceland icelandic icelander | poland polish pole poles | ireland irish irishman |
scotland scottish scot scots | wales welsh | england english englishman | portugal portuguese | switzerland swiss |
austria austrian austrians | belgium belgian belgians | hungary hungarian | czechia czech czechs | slovakia slovak |
slovenia slovenian slovene | croatia croatian croat | serbia serbian serb serbs | bosnia bosnian | albania albanian |
romania romanian | bulgaria bulgarian | ukraine ukrainian ukrainians | russia russian russians | belarus belarusian |
estonia estonian | latvia latvian | lithuania lithuanian | georgia georgian | armenia armenian | china chinese |
japan japanese | korea korean koreans | india indian indians | pakistan pakistani pakistanis | afghanistan afghan
afghans | iran iranian iranians | iraq iraqi iraqis | syria syrian syrians | lebanon lebanese | israel israeli israelis
| palestine palestinian palestinians | jordan jordanian | egypt egyptian egyptians | yemen yemeni yemenis |
libya libyan libyans | tunisia tunisian | algeria algerian | morocco moroccan | sudan sudanese | ethiopia ethiopian |
kenya kenyan kenyans | uganda ugandan | tanzania tanzanian | rwanda rwandan | nigeria nigerian nigerians | ghana
ghanaian | senegal senegalese | mali malian | somalia somali somalis | zimbabwe zimbabwean | zambia zambian | canada
canadian canadians | mexico mexican mexicans | brazil brazilian brazilians | argentina argentine argentinian | chile
chilean | peru peruvian | colombia colombian | venezuela venezuelan | cuba cuban cubans | haiti haitian | australia
australian australians | indonesia indonesian | malaysia malaysian | philippines philippine filipino filipinos | vietnam
vietnamese | thailand thai | bangladesh bangladeshi | nepal nepalese nepali | europe european europeans | asia asian |
africa african | kurdistan kurdish kurd kurds | rome roman romans | islam muslim muslims islamic | arab arabs arabic
"""
_CANON = {word: line.split()[0] for line in _PEOPLES.split("|") for word in line.split()}

_TITLES = frozenset(
    "mr mrs ms miss dr prof professor sir dame lord lady president prime minister chancellor king queen prince "
    "princess pope senator governor mayor judge justice general colonel captain secretary chief director chairman "
    "chair ceo officer spokesman spokeswoman saint st jr".split()
)
_TIMES = frozenset(
    "january february march april may june july august september october november december jan feb mar apr jun jul "
    "aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday i am pm".split()
)
_NUMBERS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen "
    "half third quarter first second third fourth fifth hundreds thousands millions dozens twice both double "
    "celsius fahrenheit percent".split()
)

# What a claim begins with and is no name. Endings tell most others.
_OPENERS = frozenset(
    "people police thieves sales shares prices wages taxes rates costs exports imports profits losses homes houses "
    "traffic unemployment inflation growth output trade interest spring summer autumn winter rain snow heat smoke ice "
    "water fire power oil gas gold coal steel food fish birds trees plants animals cars trains planes ships boats "
    "children women men girls boys parents families pupils players fans runners teams clubs critics experts rivals "
    "troops forces rebels rockets missiles strikes protests talks votes polls breeding blood heart brain sleep diet "
    "noise seeds crops farms schools hospitals doctors nurses vaccines drugs tests trials studies research science "
    "data evidence results figures nothing nobody anyone everyone someone something everything less fewer more most "
    "many much several few close nearly almost roughly around near next last later earlier early late once twice since "
    "despite instead meanwhile however still even today tomorrow yesterday now then there here yes no not never "
    "according among between within without during before after until while although though because if when where "
    "what who how why whether unlike like as at by for from in into of off on onto over per through to towards under "
    "up upon with via touchdown production construction damage debt budget cash credit demand supply work workers jobs "
    "staff crew air land sea sand soil stone wood paper glass music art film books news media press law courts "
    "parliament government ministers lawmakers officials soldiers residents voters visitors tourists migrants refugees "
    "survivors victims witnesses relatives neighbours neighbors locals".split()
)
_ENDINGS = (
    "ing", "ed", "ly", "tions", "sions", "ments", "ities", "ers", "ors", "ists", "ants", "ents", "ages", "als", "ics",
    "ives", "ships", "ings", "ures", "ians",
)  # fmt: skip
_KIN = 5  # letters: "Vaccination" beside "vaccine" is no name


def missing_name(claim: Sequence[Token], known: Sequence[Token]) -> str:
    """Return the first name of a claim that sentences do not have, "" if they have all.

    A name may be a part of the one that is known (`Esper`), another form of it (`Danish`, `Denmark`), or its
    initials. Two parts of it must not come from two different names.
    """
    there = {_key(token) for token in known if token.kind == "word"}
    there |= {fold(token.text.replace("-", "")) for token in known}
    low = {token.low for token in known if token.kind == "word" and not token.capital and len(token.low) >= _KIN}
    runs = _runs(known, every=True)
    initials = {
        _initials(run[start:end])
        for run in [*runs, *_runs(known, every=True, links=("and", *_LINKS))]
        for start in range(len(run))
        for end in range(start + 2, len(run) + 1)
    }
    short_here = {
        token.place for run in _runs(claim, links=("and", *_LINKS)) if _initials(run) in there for token in run
    }
    for run in _runs(claim):
        if run[0].place in short_here and run[-1].place in short_here:
            continue
        for token in run:
            key = _key(token)
            short = token.text.isupper() and len(token.text) > 1 and key in initials
            plural = f"{key}s" in there or (key.endswith("s") and key[:-1] in there)
            kin = token.place == 0 and len(run) == 1 and any(known.startswith(key[:_KIN]) for known in low)
            if not (key in there or short or plural or kin):
                return token.text
        if mixed := _mixed(run, runs):
            return mixed
    return ""


def names(found: Sequence[Token]) -> set[str]:
    """Return the keys of the names in a text."""
    return {_key(token) for run in _runs(found) for token in run}


_LINKS = ("of", "the", "for", "-", "de", "la", "van", "von", "bin", "al", "el")


def _runs(found: Sequence[Token], *, every: bool = False, links: Sequence[str] = _LINKS) -> list[list[Token]]:
    """Return the runs of capitalised words, in order.

    Args:
        every: Keep titles, and the first word of a sentence whatever it is.
        links: What is passed over between two of them.
    """
    runs: list[list[Token]] = []
    current: list[Token] = []
    starts = True
    for n, token in enumerate(found):
        if _is_name(token, found[n + 1] if n + 1 < len(found) else None, starts, every):
            current.append(token)
        elif current:
            linked = token.low in links or (token.low == "." and len(current[-1].text) == 1)
            if not (linked and n + 1 < len(found) and (found[n + 1].capital or found[n + 1].low == "the")):
                runs, current = [*runs, current], []
        starts = token.low in (".", "!", "?", ":", '"')
        if token.owns and current and current[-1] is token:
            runs, current = [*runs, current], []
    return [*runs, current] if current else runs


def _is_name(token: Token, behind: Token | None, starts: bool, every: bool) -> bool:
    if not token.capital or token.low in _TIMES or token.low in _NUMBERS or token.text in ROMAN:
        return False
    if len(token.text) == 1 and not every:
        return False
    if every:
        return token.low not in STOP or not starts
    if token.low in _TITLES or (token.low in STOP and not token.text.isupper()):
        return False
    if not starts or (token.text.isupper() and len(token.text) > 1) or token.owns or token.low in _CANON:
        return True
    if token.low in _OPENERS:
        return False
    with_another = behind is not None and behind.capital and behind.low not in _TIMES
    return with_another or not token.low.endswith(_ENDINGS)


def _key(token: Token) -> str:
    return _CANON.get(token.low, token.low)


def _initials(run: Sequence[Token]) -> str:
    return "".join(token.low[0] for token in run)


def _mixed(run: Sequence[Token], runs: Sequence[Sequence[Token]]) -> str:
    """Return a first name and a last name that the sentences have, but of two people."""
    for one, two in pairwise(run):
        first, last = _key(one), _key(two)
        keys = [[_key(token) for token in known] for known in runs]
        if any(first in known and last in known for known in keys):
            continue
        other_last = any(first in known[:-1] for known in keys)
        other_first = any(last in known[1:] for known in keys)
        if other_last and other_first:
            return f"{one.text} {two.text}"
    return ""
