"""Sums of money in words."""

from __future__ import annotations

import re

from mmtts.text.numbers import NUMBER, cardinal, number, plain_value

# Symbol or code: one, many, one hundredth, hundredths.
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₩": ("won", "won", "jeon", "jeon"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₴": ("hryvnia", "hryvnias", "kopeck", "kopecks"),
    "₫": ("dong", "dong", "xu", "xu"),
    "฿": ("baht", "baht", "satang", "satang"),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "₿": ("bitcoin", "bitcoins", "", ""),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
}
_CODES = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CHF": "CHF", "RUB": "₽"}
_COUNTRIES = {
    "US": "",
    "C": "Canadian ",
    "CA": "Canadian ",
    "A": "Australian ",
    "AU": "Australian ",
    "NZ": "New Zealand ",
    "HK": "Hong Kong ",
    "R": "Brazilian ",
}
SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "b": "billion",
    "bn": "billion",
    "t": "trillion",
    "tn": "trillion",
}
_SCALE = (
    r"(?:\s?(hundred|thousand|million|billion|trillion)\b|\s?(mn|bn|tn|[kKmMbBtT])(?![A-Za-z]))?"
)
_SYMBOL = "[" + "".join(c for c in _CURRENCIES if len(c) == 1) + "]"
_CODE = f"(?:{'|'.join(_CODES)})"
_BEFORE = re.compile(
    rf"(?<![\w.])(-)?({'|'.join(_COUNTRIES)})?({_SYMBOL}\s?|{_CODE}\s?)(-)?({NUMBER}){_SCALE}"
)
_BEHIND = re.compile(rf"(?<![\w.,])(-)?({NUMBER}){_SCALE}\s?({_SYMBOL}(?!\d)|{_CODE}\b)")
# A comma for the decimal point: 1.234,56 and 3,50 €.
_EUROPEAN = re.compile(r"(?<![\d.,])(\d{1,3}(?:\.\d{3})+|\d+(?=,\d\d\s?€)),(\d\d)(?![\d,])")
_CENTS = re.compile(rf"(?<![\w.,])({NUMBER})\s?¢")
_RATE = re.compile(r"\s?/\s?(?=[a-z])")


def read_money(text: str) -> str:
    """Read sums: "$12.50" as "twelve dollars fifty cents", "€3bn" as "three billion euros"."""
    text = _EUROPEAN.sub(lambda m: f"{m[1].replace('.', '')}.{m[2]}", text)
    text = _BEFORE.sub(_before, text)
    text = _BEHIND.sub(
        lambda m: _sum(m, m[1], m[2], m[3] or SCALES.get((m[4] or "").lower()), m[5], ""), text
    )
    return _CENTS.sub(lambda m: f"{number(m[1])} {_one_or_many(m[1], 'cent', 'cents')}", text)


def _before(match: re.Match[str]) -> str:
    scale = match[6] or SCALES.get((match[7] or "").lower())
    country = _COUNTRIES.get(match[2] or "", "")
    return _sum(match, match[1] or match[4], match[5], scale, match[3].strip(), country)


def _sum(
    match: re.Match[str],
    minus: str | None,
    amount: str,
    scale: str | None,
    currency: str,
    country: str,
) -> str:
    one, many, hundredth, hundredths = _CURRENCIES[_CODES.get(currency, currency)]
    sign = "minus " if minus else ""
    whole, _, cents = amount.replace(",", "").partition(".")
    per = " per " if _RATE.match(match.string, match.end()) else ""
    if scale:
        said = f"{number(amount)} {scale} {country}{many}"
    elif len(cents) == 2 and hundredth:
        said = _with_cents(
            int(whole or 0), int(cents), (country + one, country + many), hundredth, hundredths
        )
    else:
        said = f"{number(amount)} {country}{_one_or_many(amount, one, many)}"
    return f"{sign}{said}{per}"


def _with_cents(
    whole: int, cents: int, names: tuple[str, str], hundredth: str, hundredths: str
) -> str:
    parts = []
    if whole or not cents:
        parts.append(f"{cardinal(whole)} {names[whole != 1]}")
    if cents:
        parts.append(f"{cardinal(cents)} {hundredth if cents == 1 else hundredths}")
    return " ".join(parts)


def _one_or_many(amount: str, one: str, many: str) -> str:
    return one if plain_value(amount) == 1 else many
