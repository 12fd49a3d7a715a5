"""Abbreviations in words; the dot of one that ends its sentence stays."""

from __future__ import annotations

import re

from mmtts.text.numbers import cardinal, ordinal, roman_value
from mmtts.text.written_forms.dates import MONTHS

# In front of a name, with or without a dot.
_TITLES = {
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Ms",
    "Mx": "Mix",
    "Messrs": "Messieurs",
    "Prof": "Professor",
    "Rev": "Reverend",
    "Hon": "Honorable",
    "Pres": "President",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "Gen": "General",
    "Col": "Colonel",
    "Capt": "Captain",
    "Cpt": "Captain",
    "Cmdr": "Commander",
    "Lt": "Lieutenant",
    "Sgt": "Sergeant",
    "Cpl": "Corporal",
    "Pvt": "Private",
    "Maj": "Major",
    "Adm": "Admiral",
    "Mt": "Mount",
    "Ft": "Fort",
    "Fr": "Father",
}
# Anywhere, with a dot; in lower case, and matched with a capital too.
_WORDS = {
    "e.g": "for example",
    "i.e": "that is",
    "etc": "et cetera",
    "et al": "et al",
    "vs": "versus",
    "cf": "compare",
    "approx": "approximately",
    "dept": "department",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "bros": "brothers",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "ln": "lane",
    "hwy": "highway",
    "apt": "apartment",
    "pl": "place",
    "jr": "junior",
    "sr": "senior",
    "esq": "esquire",
    "misc": "miscellaneous",
    "tel": "telephone",
    "ext": "extension",
    "incl": "including",
    "excl": "excluding",
    "esp": "especially",
    "govt": "government",
    "assn": "association",
    "univ": "university",
    "max": "maximum",
    "min": "minimum",
    "avg": "average",
    "tues": "Tuesday",
    "wed": "Wednesday",
    "thurs": "Thursday",
    "thur": "Thursday",
    "mon": "Monday",
    "fri": "Friday",
    "jan": "January",
    "feb": "February",
    "aug": "August",
    "sept": "September",
    "oct": "October",
    "nov": "November",
    "dec": "December",
    "a.k.a": "also known as",
}
# Only in front of a number.
_NUMBERED = {
    "p": "page",
    "pp": "pages",
    "vol": "volume",
    "ch": "chapter",
    "chap": "chapter",
    "fig": "figure",
    "figs": "figures",
    "eq": "equation",
    "sec": "section",
    "art": "article",
    "no": "number",
    "nos": "numbers",
    "nr": "number",
    "rm": "room",
    "est": "established",
    "ca": "circa",
    "c": "circa",
    "v": "version",
    "sat": "Saturday",
    "sun": "Sunday",
}
_BEFORE_SPACE = {"w/o": "without", "w/": "with", "b/c": "because", "c/o": "care of", "n/a": "N A"}
_STARTERS = (
    "He|She|It|They|We|You|I|The|This|That|These|Those|There|Then|An?|In|On|At|But|And|So|What|When|"
    "Where|Who|Why|How|Yes|No|My|His|Her|Our|Their|If|As|After|Before|For|To|Is|Are|Was|Do|Did|Can"
)
_SENTENCE_START = re.compile(rf"[\"')\]]*(?:\s*$|\s+[\"'(]*(?:{_STARTERS})\b)")
_ANY_CAPITAL = re.compile(r"[\"')\]]*(?:\s*$|\s+[\"'(]*[A-Z])")
_SHORT_MONTHS = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
_MONTH = "|".join(_SHORT_MONTHS)
_MONTH_BESIDE_DAY = re.compile(
    rf"(?:(?<=\d\s)|(?<=\dst\s)|(?<=\dnd\s)|(?<=\drd\s)|(?<=\dth\s)|(?<=-)|\b(?=\w+\.?\s\d))"
    rf"({_MONTH})\b(?!-)\.?"
)
_DAY_NAMES = re.compile(
    r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:\.(?=,?\s)|(?=,\s))(?=,?\s(?:\d|[A-Z]))"
)
_DAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_DAY_SPAN = re.compile(rf"\b({'|'.join(_DAYS)})\.?\s?[-—]\s?({'|'.join(_DAYS)})\b\.?")
_TITLE = re.compile(rf"\b({'|'.join(_TITLES)})(?:\.\s?|\s)(?=[A-Z])")
_DOTTED_TITLE = re.compile(r"\b(mr|mrs|ms|prof)\.(?=\s)", re.IGNORECASE)
_SAINT_OR_STREET = re.compile(r"\b(St|Dr)\b(\.?)('s)?")
_NAME_BEFORE = re.compile(
    r"(?:^|\s)(\d+(?:st|nd|rd|th)?\s+)?(?:[NSEW]\.?\s+)?[A-Z][a-z]+\s+$|\d(?:st|nd|rd|th)\s+$"
)
_WORD = re.compile(
    rf"(?<![\w.])({'|'.join(re.escape(w) for w in sorted(_WORDS, key=len, reverse=True))})\.(?!\w)",
    re.I,
)
_SELDOM_LAST = re.compile(r"e\.g|i\.e|a\.k\.a|vs|cf|approx|jr|sr|inc|ltd|ave|blvd|rd|dept|apt")
_DOTLESS = re.compile(r"(?<![\w./])(?:vs|etc|approx)(?![\w.])")
_COMPANY = re.compile(r"(?<=\s)Co\.(?!\w)")
_BEFORE_NUMBER = re.compile(rf"(?<![\w.'])({'|'.join(_NUMBERED)})\.\s?(?=\d|(?-i:[IVX]+)\b)", re.I)
_SLASHED = re.compile(r"(?<!\w)(w/o|w/|b/c|c/o|n/a)(?=\s|\w|$)", re.I)
_DOCTORATE = re.compile(r"\bPh\.?\s?D\b(\.?)('?s)?")
_INITIALS = re.compile(r"(?<![\w.])((?:[A-Za-z]\.\s?){1,}[A-Za-z])\.(?!\w)('s)?")
_INITIAL = re.compile(r"(?<![\w.'])(?<![AP]\s)([A-HJ-Z])\.(?=\s+[A-Z])")
_NUMBERED_PARTS = (
    "Chapter|Part|Act|Scene|Volume|Vol|Book|War|Section|Phase|Type|Level|Class|Title|Article|Appendix|"
    "Figure|Table|Stage|Bowl|Rocky|Fantasy|Mark|Episode|Star|Apollo|Annex|Unit|Grade|Round"
)
_RULERS = (
    "Henry|Louis|Edward|George|Elizabeth|Charles|Richard|William|James|John|Paul|Pius|Benedict|"
    "Napoleon|Philip|Mary|Catherine|Peter|Nicholas|Alexander|Francis|Leo|Gregory|Clement|Innocent|"
    "Frederick|Wilhelm|Ramesses|Ivan|Otto|Ptolemy|Xerxes|Urban|Boniface|Harald|Christian|Gustav"
)
_CENTURY = re.compile(r"(?<=\dth )c\.|(?<=\dst )c\.")
_WORLD_WAR = re.compile(r"\bWW(II?)\b")
_ROMAN_PART = re.compile(rf"\b({_NUMBERED_PARTS})\s+([IVXLC]+)\b(?!['.]\w)")
_ROMAN_RULER = re.compile(
    rf"\b((?:King|Queen|Pope|Emperor|Tsar)\s+\w+|{_RULERS})\s+([IVX]+)\b(?!')"
)
_ROMAN = re.compile(r"(?<![\w.'-])([IVX]{2,})\b(?!['-])")


def read_abbreviations(text: str) -> str:
    """Write abbreviations and Roman numerals out: "St. John St." as "Saint John Street"."""
    text = _SLASHED.sub(lambda m: f"{_BEFORE_SPACE[m[1].lower()]} ", text)
    text = _MONTH_BESIDE_DAY.sub(lambda m: _SHORT_MONTHS[m[1]], text)
    text = _DAY_SPAN.sub(lambda m: f"{_DAYS[m[1]]} to {_DAYS[m[2]]}", text)
    text = _DAY_NAMES.sub(lambda m: _DAYS[m[1]], text)
    text = _TITLE.sub(lambda m: f"{_TITLES[m[1]]} ", text)
    text = _DOTTED_TITLE.sub(lambda m: _TITLES[m[1].title()], text)
    text = _SAINT_OR_STREET.sub(_saint_or_street, text)
    text = _BEFORE_NUMBER.sub(lambda m: f"{_NUMBERED[m[1].lower()]} ", text)
    text = _WORD.sub(_word, text)
    text = _DOTLESS.sub(lambda m: _WORDS[m[0]], text)
    text = _COMPANY.sub(lambda m: "Company" + _stop(m, _SENTENCE_START), text)
    text = _DOCTORATE.sub(
        lambda m: f"P H D{m[2] or ''}" + (_stop(m, _SENTENCE_START) if m[1] else ""), text
    )
    text = _INITIALS.sub(_initials, text)
    text = _INITIAL.sub(_initial, text)
    text = _CENTURY.sub("century", text)
    text = _WORLD_WAR.sub(r"World War \1", text)
    text = _ROMAN_PART.sub(_roman_part, text)
    text = _ROMAN_RULER.sub(_roman_ruler, text)
    return _ROMAN.sub(lambda m: _roman(m[1], m[0]), text)


def _word(match: re.Match[str]) -> str:
    """Write an abbreviation out; "5 min." is left to the units."""
    word = match[1].lower()
    if word == "min" and re.search(r"\d\s?$", match.string[: match.start()][-2:]):
        return match[0]
    ending = _SENTENCE_START if _SELDOM_LAST.fullmatch(word) else _ANY_CAPITAL
    return _WORDS[word] + _stop(match, ending)


def _stop(match: re.Match[str], ending: re.Pattern[str]) -> str:
    """Return the dot where the sentence ends behind an abbreviation."""
    return "." if ending.match(match.string, match.end()) else ""


def _saint_or_street(match: re.Match[str]) -> str:
    """Tell a saint from a street, and a doctor from a drive, by what stands around them."""
    before, after = match.string[: match.start()][-40:], match.string[match.end() :]
    name_behind = re.match(r"\s+[A-Z]", after)
    named = _NAME_BEFORE.search(before)
    is_way = bool(named and (named[1] or not name_behind or _SENTENCE_START.match(after)))
    if not (match[2] or name_behind or is_way):
        return match[0]
    word = {"St": ("Saint", "Street"), "Dr": ("Doctor", "Drive")}[match[1]][is_way]
    dot = _stop(match, _SENTENCE_START) if match[2] and (is_way or not name_behind) else ""
    return f"{word}{match[3] or ''}{dot}"


def _initials(match: re.Match[str]) -> str:
    """Read "U.S.A." and "J. R. R." letter by letter."""
    letters = " ".join(re.findall(r"[A-Za-z]", match[1])).upper()
    if match[2]:
        return f"{letters}'s"
    return letters + _stop(match, _SENTENCE_START)


def _initial(match: re.Match[str]) -> str:
    """Drop the dot of "J. Smith", but not that of "plan A. He"."""
    return match[1] + _stop(match, _SENTENCE_START)


def _roman_part(match: re.Match[str]) -> str:
    return f"{match[1]} {_roman(match[2], match[2])}"


def _roman_ruler(match: re.Match[str]) -> str:
    value = roman_value(match[2])
    is_pronoun = match[2] == "I" and re.match(r"\s+[a-z]", match.string[match.end() :])
    return match[0] if value is None or is_pronoun else f"{match[1]} the {ordinal(value)}"


def _roman(written: str, otherwise: str) -> str:
    value = roman_value(written.upper())
    return otherwise if value is None else cardinal(value)
