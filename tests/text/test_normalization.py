"""Normalization: what a reader would say, kind by kind, written down by hand."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmtts.text import phonemize_words, split_sentences
from mmtts.text.characters import left_out
from mmtts.text.normalization import MARKS, normalize_text

LINES = Path(__file__).parents[2] / "recipes" / "starter" / "lines.txt"

SAID = {
    "numbers": {
        "0": "zero",
        "12 eggs": "twelve eggs",
        "007": "zero zero seven",
        "1,234,567 people": "one million two hundred thirty four thousand five hundred sixty seven "
        "people",
        "1000000": "one million",
        "25 000 seats": "twenty five thousand seats",
        "1.000.000": "one million",
        "1" * 20: " ".join(["one"] * 20),
        "3.14159": "three point one four one five nine",
        ".75": "point seven five",
        "1,234.56": "one thousand two hundred thirty four point five six",
        "-5": "minus five",
        "−3.5": "minus three point five",
        "from -1 to 1": "from minus one to one",
        "7.9 billion": "seven point nine billion",
        "5M users": "five million users",
        "No. 5": "number five",
        "We are #1.": "We are number one.",
        "٣ and ４": "three and four",
        "1500 miles": "one thousand five hundred miles",
    },
    "fractions and ratios": {
        "1/2": "one half",
        "½": "one half",
        "3/4 of it": "three quarters of it",
        "2 1/2 hours": "two and one half hours",
        "1½ miles": "one and one half miles",
        "7/8": "seven eighths",
        "a 50/50 chance": "a fifty fifty chance",
        "open 24/7": "open twenty four seven",
        "120/80": "one hundred twenty over eighty",
        "a 16:9 screen": "a sixteen to nine screen",
    },
    "percentages and ordinals": {
        "50%": "fifty percent",
        "3.5 %": "three point five percent",
        "5-10% of it": "five to ten percent of it",
        "-2%": "minus two percent",
        "the 1st": "the first",
        "21st century": "twenty first century",
        "the 100th": "the one hundredth",
        "The 1,000th": "The one thousandth",
        "19th-century music": "nineteenth century music",
    },
    "years": {
        "In 1999, it ended.": "In nineteen ninety nine, it ended.",
        "1066": "ten sixty six",
        "1905": "nineteen oh five",
        "2005": "two thousand five",
        "2024": "twenty twenty four",
        "1900": "nineteen hundred",
        "2000": "two thousand",
        "the 1990s": "the nineteen nineties",
        "the '80s": "the eighties",
        "the 1800s": "the eighteen hundreds",
        "the early 2000s": "the early two thousands",
        "1914-1918": "nineteen fourteen to nineteen eighteen",
        "44 BC": "forty four B C",
        "AD 79": "A D seventy nine",
    },
    "dates": {
        "March 5, 2024": "March fifth, twenty twenty four",
        "on May 3rd, 1999": "on May third, nineteen ninety nine",
        "5 March 2024": "the fifth of March, twenty twenty four",
        "the 4th of July": "the fourth of July",
        "2024-03-05": "March fifth, twenty twenty four",
        "03/05/2024": "March fifth, twenty twenty four",
        "31/12/1999": "December thirty first, nineteen ninety nine",
        "05.03.2024": "March fifth, twenty twenty four",
        "3/5/24": "March fifth, twenty twenty four",
        "Dec. 25": "December twenty fifth",
        "Jan 1, 2000": "January first, two thousand",
        "Tue, 5 Nov 2024": "Tuesday, the fifth of November, twenty twenty four",
        "July 2023": "July twenty twenty three",
        "due 12/25": "due December twenty fifth",
    },
    "times": {
        "5:30": "five thirty",
        "5:30 pm": "five thirty P M",
        "at 17:45": "at seventeen forty five",
        "6:08": "six oh eight",
        "12:00": "twelve o'clock",
        "0:00": "midnight",
        "17:00": "seventeen hundred",
        "7pm": "seven P M",
        "9 a.m. sharp": "nine A M sharp",
        "At 3 p.m. He left.": "At three P M. He left.",
        "2:15:30": "two fifteen thirty",
        "9:00-17:30": "nine o'clock to seventeen thirty",
        "3-5 pm": "three to five P M",
        "2024-03-05T14:30:00Z": "March fifth, twenty twenty four at fourteen thirty Z",
        "Mon-Fri": "Monday to Friday",
    },
    "money": {
        "$5": "five dollars",
        "$1": "one dollar",
        "Dr. Smith paid $12.50.": "Doctor Smith paid twelve dollars fifty cents.",
        "$0.99": "ninety nine cents",
        "$1,234.56": "one thousand two hundred thirty four dollars fifty six cents",
        "£1.01": "one pound one penny",
        "€3.50": "three euros fifty cents",
        "3,50 €": "three euros fifty cents",
        "1.234,56 €": "one thousand two hundred thirty four euros fifty six cents",
        "¥500": "five hundred yen",
        "₹250": "two hundred fifty rupees",
        "$1.5 million": "one point five million dollars",
        "$3bn": "three billion dollars",
        "£5k": "five thousand pounds",
        "99¢": "ninety nine cents",
        "USD 50": "fifty dollars",
        "80 EUR": "eighty euros",
        "-$20": "minus twenty dollars",
        "A$7.25": "seven Australian dollars twenty five cents",
        "$5/month": "five dollars per month",
    },
    "digit groups": {
        "555-0199": "five five five, zero one nine nine",
        "(555) 123-4567": "five five five, one two three, four five six seven",
        "+44 20 7946 0958": "plus four four, two zero, seven nine four six, zero nine five eight",
        "555.867.5309": "five five five, eight six seven, five three zero nine",
        "Call 911.": "Call nine one one.",
        "1111 2222 3333": "one one one one, two two two two, three three three three",
        "192.168.0.1": "one hundred ninety two dot one hundred sixty eight dot zero dot one",
        "v3.2": "version three point two",
        "Python 3.11.7": "Python three point eleven point seven",
        "pages 10-20": "pages ten to twenty",
    },
    "units": {
        "5 km": "five kilometers",
        "1 m": "one meter",
        "a 5 km run": "a five kilometer run",
        "60 km/h": "sixty kilometers per hour",
        "100 mph": "one hundred miles per hour",
        "16GB": "sixteen gigabytes",
        "2.5 GHz": "two point five gigahertz",
        "12 m²": "twelve square meters",
        "5 cm³": "five cubic centimeters",
        "20 sq ft": "twenty square feet",
        "3 lbs. of flour": "three pounds of flour",
        "10 min. later": "ten minutes later",
        "5 µm": "five micrometers",
        "8 kΩ": "eight kilohms",
        "6'2\"": "six foot two",
        "20°C": "twenty degrees Celsius",
        "-5°F": "minus five degrees Fahrenheit",
        "turn 90°": "turn ninety degrees",
        "300 K": "three hundred kelvin",
        "40°26'46\" N": "forty degrees twenty six minutes forty six seconds north",
    },
    "addresses": {
        "www.example.com": "W W W dot example dot com",
        "https://example.com/a-b?x=1&y=2": "example dot com slash a dash b question mark x equals "
        "one and y equals two",
        "example.co.uk": "example dot co dot U K",
        "See example.org.": "See example dot org.",
        "john.doe@example.com": "john dot doe at example dot com",
        "readme.txt": "readme dot T X T",
        "main.py": "main dot py",
        "/usr/local/bin": "slash usr slash local slash bin",
        "C:\\Users\\me": "C colon backslash Users backslash me",
        "photo_2.jpg": "photo underscore two dot J P G",
        "#MondayMotivation": "hashtag Monday Motivation",
        "thanks @mary_jane": "thanks at mary jane",
    },
    "abbreviations": {
        "Mr. and Mrs. Jones": "Mister and Missus Jones",
        "St. John lives on Main St.": "Saint John lives on Main Street.",
        "Dr. Who": "Doctor Who",
        "on Elm Dr. He": "on Elm Drive. He",
        "J. R. R. Tolkien": "J R R Tolkien",
        "e.g. apples, i.e. fruit": "for example apples, that is fruit",
        "apples, pears, etc.": "apples, pears, et cetera.",
        "Is it enough, etc. or not?": "Is it enough, et cetera or not?",
        "the U.S. Army": "the U S Army",
        "in the U.S.A. He": "in the U S A. He",
        "p. 12, Fig. 3": "page twelve, figure three",
        "vol. III": "volume three",
        "5th Ave. and Oak Blvd.": "fifth avenue and Oak boulevard.",
        "Mt. Everest": "Mount Everest",
        "Ph.D.": "P H D.",
        "w/ milk, w/o sugar": "with milk, without sugar",
        "Henry VIII": "Henry the eighth",
        "World War II": "World War two",
        "Part I of III": "Part one of three",
        "Book I read": "Book one read",
    },
    "capitals": {
        "A": "A",
        "A man got an A.": "a man got an A.",
        "plan A": "plan A",
        "the BBC": "the B B C",
        "NASA and the FBI": "nasa and the F B I",
        "the BBC's CEOs": "the B B C's C E O's",
        "HTML and css": "H T M L and C S S",
        "I SAID no. STOP it.": "I said no. stop it.",
        "THIS IS A TEST.": "this is a test.",
        "I'M HERE, DR. WHO": "i'm here, doctor who",
        "the US and us": "the U S and us",
        "A, B, or C": "A, B, or C",
        "AT&T": "A T and T",
        "R2-D2": "R two D two",
        "camelCase": "camel Case",
        "pcb": "P C B",
        "hmm": "hmm",
    },
    "characters": {
        "naïve café": "naive cafe",
        "Søren Dvořák": "Soren Dvorak",
        "Привет, мир!": "Privet, mir!",
        "北京": "Beijing",
        "안녕": "Annyeong",
        "α and 2π": "alpha and two pi",
        "5 µg": "five micrograms",
        "Ｈello 𝓗𝓮𝓵𝓵𝓸": "Hello Hello",
        "co\u00adoperate": "cooperate",
        "Good job 👍👍": "Good job",
        "👨‍👩‍👧 time": "time",
        "I ❤️ you": "I love you",
        "fine ;-)": "fine",
        "“quoted” ‘too’": "quoted too",
        "fact¹.": "fact.",
        "© 2024": "copyright twenty twenty four",
    },
    "signs": {
        "rock & roll": "rock and roll",
        "rock 'n' roll": "rock and roll",
        "and/or": "and or",
        "C++ and C#": "C plus plus and C sharp",
        "~20 guests": "about twenty guests",
        "A → B": "A, B",
        "No — wait... what?!": "No, wait… what?",
        "Hello!!!!": "Hello!",
        "(yes), she left (quietly).": "yes, she left, quietly.",
        "item(s)": "items",
        "<b>bold</b> &amp; *it*": "bold and it",
        "1) wash 2) rinse": "one, wash, two, rinse",
        "Buy:\n- milk\n- eggs": "Buy: milk. eggs",
        "they'd've": "they'd have",
        "soooo goooood": "so good",
    },
    "formulas": {
        "2 + 2 = 4": "two plus two equals four",
        "10 - 3 = 7": "ten minus three equals seven",
        "5-3=2": "five minus three equals two",
        "6 * 7": "six times seven",
        "3x4 is 12": "three x four is twelve",
        "8 / 2": "eight divided by two",
        "E = mc²": "E equals M C squared",
        "a² + b²": "A squared plus b squared",
        "2^10": "two to the power of ten",
        "10⁻³": "ten to the power of minus three",
        "6.02e23": "six point zero two times ten to the power of twenty three",
        "f(x) = 2x + 1": "f of x equals two x plus one",
        "3 < 5, n >= 1": "three is less than five, n is greater than or equal to one",
        "50 ± 2": "fifty plus or minus two",
        "0xFF": "hex F F",
        "x != y": "x is not equal to y",
    },
}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param(written, said, id=f"{kind}: {written[:30]}")
        for kind, pairs in SAID.items()
        for written, said in pairs.items()
    ],
)
def test_a_reader_says(written, said):
    assert normalize_text(written) == said


@pytest.mark.parametrize("said", [said for pairs in SAID.values() for said in pairs.values()])
def test_what_is_said_stays_as_it_is(said):
    assert normalize_text(said) == said


@given(st.text(max_size=60))
@example("5°°%$€ 1/0 12/45/9999 5:99pm $" + "9" * 40)
@example("Ⅷ²'0s")
@example("\ud800<speak>&amp;\x85")
@example("A-A&A1A.A'A")
@settings(max_examples=300, deadline=None)
def test_any_text_becomes_plain_words_and_marks(text):
    normal = normalize_text(text)
    assert normal == " ".join(normal.split())
    assert all((c.isascii() and c.isalpha()) or c in f"' {MARKS}" for c in normal)
    assert not normal or normal[0].isalpha()


@given(st.text("0123456789.,:/-+%$€° aApPmM'\"()#@", max_size=24))
@settings(max_examples=300, deadline=None)
def test_no_number_is_lost(text):
    assert bool(normalize_text(text)) or not any(c.isdigit() for c in text)


def test_letters_that_cannot_be_read_are_named_once():
    assert left_out("שלום and שלום, 你好, Ω!") == "שלום"


def test_a_text_in_letters_that_cannot_be_read_warns_once(caplog):
    assert split_sentences("hi שלום there.\n\nשלום again") == ["hi there.", "again"]
    assert [record.getMessage() for record in caplog.records] == [
        "'שלום' cannot be pronounced and is left out."
    ]


def read_lines():
    lines = LINES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("# ")]


def test_there_are_500_lines_and_some_are_long():
    lines = read_lines()
    assert len(lines) == len(set(lines)) == 500
    assert sum(len(line) > 900 for line in lines) >= 5
    assert max(map(len, lines)) <= 8000


@pytest.mark.slow
def test_every_line_is_read_in_bounded_sentences():
    for line in read_lines():
        pieces = split_sentences(line)
        assert all(0 < len(piece) <= 200 for piece in pieces), line
        assert all(phonemize_words(piece) for piece in pieces), line
