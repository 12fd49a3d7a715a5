"""What is spoken: texts of five lengths, each turn with other names, so that nothing is remembered.

A program that keeps the phonemes of a sentence would else look them up from the second turn on.
"""

from __future__ import annotations

KINDS = {
    "word": "one word",
    "short": "a short sentence, about 2 s",
    "sentence": "a sentence of about 5 s",
    "paragraph": "a paragraph, about 20 s",
    "page": "a page, about 60 s",
}

NAMES = (
    "Anna", "Peter", "Maria", "Robert", "Helen", "Thomas", "Sarah", "Daniel", "Laura", "Martin",
    "Susan", "Henry", "Emma", "Victor", "Alice", "George", "Nancy", "Walter", "Julia", "Simon",
    "Clara", "Oscar", "Linda", "Adam", "Rose", "Philip", "Martha", "Edward", "Diana", "Arthur",
    "Ellen", "Kevin", "Sophie", "Frank", "Carol", "Oliver", "Teresa", "Richard", "Monica",
    "Stephen", "Irene", "Patrick", "Judith", "Andrew", "Paula", "Leonard", "Barbara", "Nathan",
)  # fmt: skip

_TEXTS = {
    "word": ("{}.",),
    "short": ("I saw {} in the garden yesterday.",),
    "sentence": (
        "Please call {} when you have finished reading the morning paper, "
        "because the road is very long.",
    ),
    "paragraph": (
        "Every morning {} walks down to the harbor and looks for the fishing boats.",
        "The water is still gray, and {} can hear the birds long before the sun is up.",
        "Then {} buys some bread, and carries it slowly up the steep road to the old house.",
        "Nobody else is awake there, so {} reads until the kettle begins to sing.",
        "It is the only hour of the day that belongs to {} alone.",
    ),
    "page": (
        "In the middle of the town stands a narrow shop that belongs to {}.",
        "For thirty years {} has sold paper there, and ink, and good advice.",
        "Nobody remembers a single day on which {} came late.",
        "At eight o'clock {} opens the shop and puts three large boxes on the table.",
        "One of them is full of letters that {} has never answered.",
        "A tall man with a brown coat asks {} for the way to the station.",
        "It is not far, says {}, but the bridge has been closed since the spring.",
        "In the afternoon it rains, and {} counts the people who run across the square.",
        "Some of them wave at {} through the window, and a few come in to get warm.",
        "They talk about the weather, and {} pretends to know what it will be tomorrow.",
        "A neighbor brings a basket of apples, and {} gives her the newest book in return.",
        "When the last of them has gone, {} turns off the lamps and locks the door.",
        "There is still some light in the sky, so {} takes the longer way along the river.",
        "On the way home {} thinks about the summer, and about a train to the south.",
        "Tomorrow, {} says, the whole thing begins again.",
    ),
}


def text_of(kind: str, turn: int) -> str:
    """One text.

    Args:
        kind: One of `KINDS`.
        turn: Another one for each time; no sentence comes again within 48 turns.
    """
    sentences = _TEXTS[kind]
    names = (NAMES[(turn + 7 * place) % len(NAMES)] for place in range(len(sentences)))
    return " ".join(s.format(name) for s, name in zip(sentences, names, strict=True))
