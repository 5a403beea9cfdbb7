"""Units of measure and the scales of numbers."""

from __future__ import annotations

from qa.support.text import Token

SCALE = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9,
          "trillion": 1e12, "tn": 1e12, "dozen": 12.0}  # fmt: skip

# unit -> (what it measures, how many of the first such unit). A unit that is not here is a thing that is counted.
UNITS: dict[str, tuple[str, float]] = {}
for _dimension, _listed in (
    ("percent", "percent 1 % 1"),
    ("point", "percentage 1"),
    ("usd", "dollar 1 $ 1 usd 1 cent .01"),
    ("eur", "euro 1 € 1 eur 1"),
    ("gbp", "£ 1 gbp 1 sterling 1 pence .01"),
    ("pound", "pound 1 lb 1 lbs 1"),
    ("yen", "yen 1 ¥ 1 jpy 1"),
    ("yuan", "yuan 1 renminbi 1"),
    ("rupee", "rupee 1"),
    ("ruble", "ruble 1 rouble 1"),
    ("franc", "franc 1 chf 1"),
    ("krone", "krone 1 kroner 1 krona 1 kronor 1"),
    ("length", "m 1 meter 1 metre 1 km 1000 kilometer 1000 kilometre 1000 cm .01 centimeter .01 centimetre .01 mm .001 "
               "millimeter .001 millimetre .001 mile 1609.34 foot .3048 feet .3048 ft .3048 inch .0254 yard .9144"),
    ("light", "lightyear 1"),
    ("area", "hectare 10000 ha 10000 acre 4046.86"),
    ("volume", "liter .001 litre .001 l .001 milliliter .000001 millilitre .000001 ml .000001 gallon .00378541"),
    ("barrel", "barrel 1"),
    ("mass", "g 1 gram 1 gramme 1 kg 1000 kilo 1000 kilogram 1000 kilogramme 1000 mg .001 milligram .001 "
             "microgram .000001 tonne 1e6 ton 1e6 ounce 28.3495"),
    ("time", "second 1 sec 1 millisecond .001 minute 60 min 60 hour 3600 day 86400 week 604800"),
    ("calendar", "month 1 year 12 decade 120 century 1200 centuries 1200"),
    ("celsius", "celsius 1 c 1"),
    ("fahrenheit", "fahrenheit 1 f 1"),
    ("degree", "degree 1 ° 1"),
    ("power", "watt 1 kw 1e3 kilowatt 1e3 megawatt 1e6 mw 1e6 gigawatt 1e9 gw 1e9"),
    ("energy", "kwh 1 mwh 1000 calorie 1.16e-6 kilocalorie .00116"),
    ("data", "byte 1 kilobyte 1e3 kb 1e3 megabyte 1e6 mb 1e6 gigabyte 1e9 gb 1e9 terabyte 1e12 tb 1e12"),
    ("speed", "kph 1 mph 1.60934 knot 1.852"),
    ("times", "times 1 fold 1"),
):  # fmt: skip
    _words = _listed.split()
    UNITS |= {unit: (_dimension, float(size)) for unit, size in zip(_words[::2], _words[1::2], strict=True)}
MONEY = {"$": "usd", "€": "eur", "£": "gbp", "¥": "yen"}


def unit_of(token: Token) -> tuple[str, float] | None:
    """Return what a unit measures and how many of the first such unit it is, None for a word that is none."""
    if token.kind == "mark":
        return UNITS.get(token.low)
    for word in (
        token.low,
        token.low[:-1] if token.low.endswith("s") else "",
        token.low[:-2] if token.low.endswith("es") else "",
    ):
        if word and word in UNITS and not (len(word) == 1 and word != token.low):
            return UNITS[word]
    return None


def is_unit(token: Token) -> bool:
    """Say whether a word makes a measure of the number before it."""
    return bool(unit_of(token)) or token.low in SCALE
