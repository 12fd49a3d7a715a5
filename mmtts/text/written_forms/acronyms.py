"""Capitals, letters and odd spellings: what is spelled and what is read as a word.

In the result a word has two letters or more and no capital behind its first; a single capital is
the name of a letter (or the pronoun I, which sounds the same), and the article is a small "a".
"""

from __future__ import annotations

import re

from mmtts.text.lexicon import has_vowel, is_known
from mmtts.text.written_forms.addresses import split_camel

# Letters however they are written, since the lexicon lacks them or has another word.
_LETTERS = re.compile(
    r"aka|ai|api|apis|atm|bbc|bbq|bmw|btw|ceo|cfo|cia|cnn|cpu|css|csv|cto|diy|dna|dvd|eu|"
    r"eur|faq|fbi|fyi|gbp|gmbh|gps|gpu|hd|hdmi|hiv|html|http|https|ibm|imo|ios|iou|iq|jpg|"
    r"kfc|lcd|llc|mba|mri|mtv|mvp|nba|nbc|nfl|ngo|npr|omg|pdf|phd|php|png|pvc|rgb|rna|rss|"
    r"rsvp|sms|sql|ssd|ssl|svg|tba|tbd|tcp|tnt|txt|ufo|ui|uk|url|usa|usb|usd|vhs|vip|vpn|"
    r"wtf|www|xml"
)
_SPELLED_ANYHOW = re.compile(rf"({_LETTERS.pattern})('?s)?", re.IGNORECASE)
# Words of the lexicon that are letters when they stand in capitals among small ones.
_LETTERS_IN_CAPITALS = re.compile(
    r"ac|ad|am|bc|dc|dj|hr|id|io|ip|it|la|lp|md|mc|mit|ml|mp|ms|nt|os|pa|pc|pm|pr|pt|qa|"
    r"ra|rv|tv|un|us|ux"
)
_WORDS = re.compile(r"covid|jpeg|gif|nasdaq|yolo|ansi|ascii|brics|ikea|lego|esa|tesol")
_ONOMATOPOEIC = re.compile(r"[bg]?r+|h?m+|hmph|p?s+t|p?sh+|t+s+k|[bz]?z+|pf+t?|nth|ng|n")
_LONGEST_SPELLED = 4
_ONCE = re.compile(r"so|no|go|yes|oh|ah|hey|hi|who|why|what|wow|yo|nah|he|me|way|please|hello")
_NAME_PREFIX = re.compile(r"(?:Mc|Mac|De|Van|Le|La|Di|Du|Fitz|O')[A-Z][a-z]+")
_TOKEN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")
_CAPITALS = re.compile(r"([A-Z]{2,})('?s)?")
_DOUBLE_CONTRACTION = re.compile(r"(.+(?:n't|'d|'ll))'(ve|d)")
_STRETCHED = re.compile(r"([a-z])\1{2,}", re.IGNORECASE)
_RUN = re.compile(r"(?<![A-Za-z'])(?:[A-Z][A-Z']+|[AI])(?:[,!]?\s+(?:[A-Z][A-Z']+|[AI])(?![a-z]))+")
_LIST_OF_LETTERS = re.compile(r"\b[A-Za-z](?:,\s?(?:and\s|or\s)?[A-Za-z]\b){2,}")
_OPERATOR = r"(?:plus|minus|times|equals|squared|cubed|divided by|over)\b"
_OPERAND = re.compile(rf"\ba(?=\s{_OPERATOR})|(?<=(?:plus|imes|uals|inus)\s)a\b(?!\s[a-z]{{2}})")
_ARTICLE = re.compile(r"(?<![\w'])A(?![\w'])")
_NAMING = re.compile(
    r"\b(?:plan|section|vitamin|type|group|class|grade|option|part|team|hepatitis|level|exhibit|"
    r"appendix|unit|gate|terminal|block|row|zone|point|model|letter|the|side|figure|table|series|"
    r"category|league|channel|answer|question|platform|line|an|capital)\s$",
    re.IGNORECASE,
)
_LETTER_BEFORE = re.compile(r"(?<![\w'])[A-HJ-Z]\s$")
_LETTER_BEHIND = re.compile(
    r"\s*(?:$|[.,:;?!…])|\s(?:(?:and|or|to)\s)?[A-Z](?![\w'])|\s(?:plus|minus|times|equals|squared|cubed)\b"
)


def is_shouted(text: str) -> bool:
    """Tell whether a whole text stands in capitals, so that they tell nothing."""
    words = re.findall(r"[A-Z']{2,}", text)
    return text.upper() == text and sum(map(is_known, words)) > 1


def calm_down(text: str) -> str:
    """Write a text in capitals as one with capital initials, but for what is surely spelled."""
    return _TOKEN.sub(lambda m: m[0] if _is_spelled_loud(m[0]) else m[0].capitalize(), text)


def read_capitals(text: str) -> str:
    """Write what is spelled letter by letter, and every other word in plain letters.

    Args:
        text: Letters, apostrophes and punctuation.
    """
    text = _LIST_OF_LETTERS.sub(
        lambda m: re.sub(r"\b[a-z]\b", lambda letter: letter[0].upper(), m[0]), text
    )
    text = _OPERAND.sub("A", text)
    text = _RUN.sub(_calm_run, text)
    text = _TOKEN.sub(lambda m: _word(m[0]), text)
    return _ARTICLE.sub(_article, text)


def _calm_run(match: re.Match[str]) -> str:
    """Lower words in capitals beside one another, "I DO NOT", unless they are no words."""
    words = [word for word in _TOKEN.findall(match[0]) if len(word) > 1]
    are_words = all(is_known(word) and not _LETTERS.fullmatch(word.lower()) for word in words)
    if len(words) < 2 or not are_words:
        return match[0]
    return re.sub(r"[A-Z][A-Z']+", lambda m: m[0].lower(), match[0])


def _word(token: str) -> str:
    """Write one word, or the letters that are said for it."""
    if len(token) == 1:
        return token
    if contraction := _DOUBLE_CONTRACTION.fullmatch(token):
        return f"{contraction[1]} {'have' if contraction[2] == 've' else 'would'}"
    if len(token) > 3:
        token = _shorten(token)
    if capitals := _CAPITALS.fullmatch(token):
        letters, ending = capitals[1], capitals[2] or ""
        return _spell(letters, ending) if _is_spelled(letters) else letters.lower() + ending
    if letters := _SPELLED_ANYHOW.fullmatch(token):
        return _spell(letters[1].upper(), letters[2] or "")
    if is_known(token) or token.islower() or token.istitle() or _NAME_PREFIX.fullmatch(token):
        return token if _can_be_said(token) else _spell(token.upper(), "")
    parts = split_camel(token).split()
    return " ".join(map(_word, parts)) if len(parts) > 1 else token.lower()


def _can_be_said(token: str) -> bool:
    return has_vowel(token) or is_known(token) or bool(_ONOMATOPOEIC.fullmatch(token.lower()))


def _is_spelled(capitals: str) -> bool:
    """Tell whether a word in capitals among small letters is spelled."""
    small = capitals.lower()
    if _LETTERS.fullmatch(small) or _LETTERS_IN_CAPITALS.fullmatch(small):
        return True
    if _WORDS.fullmatch(small) or is_known(small):
        return False
    return len(small) <= _LONGEST_SPELLED or not has_vowel(small)


def _is_spelled_loud(token: str) -> bool:
    """Tell whether a word in a text of capitals is spelled."""
    small = token.lower().removesuffix("'s")
    return bool(_LETTERS.fullmatch(small)) or not (_can_be_said(small) or "'" in small)


def _spell(letters: str, ending: str) -> str:
    """Part the letters; a plural belongs to the last, "D V D's"."""
    return " ".join(letters) + ("'s" if ending else "")


def _shorten(token: str) -> str:
    """Shorten letters drawn out: "soooo" and "goooood" as "so" and "good"."""
    if not _STRETCHED.search(token) or _LETTERS.fullmatch(token.lower()):
        return token
    once, twice = _STRETCHED.sub(r"\1", token), _STRETCHED.sub(r"\1\1", token)
    is_once = len(once) > 1 and is_known(once) and not is_known(twice)
    return once if _ONCE.fullmatch(once.lower()) or is_once else twice


def _article(match: re.Match[str]) -> str:
    """Tell the letter A from an article at the beginning of a sentence or in a title."""
    before, after = match.string[: match.start()][-40:], match.string[match.end() :][:8]
    is_letter = (
        _LETTER_BEFORE.search(before)
        or _LETTER_BEHIND.match(after)
        or _NAMING.search(before)
        or re.search(r"(?<![\w'])[a-z][a-z']*\s$", before)
    )
    return "A" if is_letter else "a"
