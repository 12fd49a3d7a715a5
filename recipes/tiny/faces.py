"""Drawn faces for the tiny recipe: what can be seen goes with what can be heard.

Gender shows in hair, lips and beard, age in red cheeks, wrinkles and grey hair, pitch in the width
of face and jaw, timbre in its length, the nose and the distance of the eyes, pace in glasses (slow)
or a cap (fast), energy in the mouth. Skin, eye and hair colors only tell people apart.
"""

from __future__ import annotations

import colorsys
from typing import NamedTuple

import numpy as np
from people import Person
from PIL import Image, ImageDraw, ImageEnhance

from mmtts.data.faces import CROP_SIZE

PICTURES = 4
_BIG = 480  # side of the drawing; coordinates are those of its left 448 pixels
Color = tuple[int, int, int]


class Looks(NamedTuple):
    """Everything that one person's pictures share; lengths in pixels of the drawing."""

    skin: Color
    hair: Color
    iris: Color
    width: float
    jaw: float
    height: float
    eye: float
    eye_gap: float
    nose: float


def looks_of(person: Person) -> Looks:
    """Derive the looks from the voice's attributes and the person's own seed."""
    generator = np.random.default_rng(person.seed)
    tone, hue, iris = generator.uniform(size=3)
    age = person.age_group
    hair = _color(0.05 + 0.06 * hue, 0.75, 0.15 + 0.6 * tone * hue)
    if age == "elderly":
        hair = _color(0.1, 0.04, 0.78 + 0.15 * hue)
    elif age == "middle-aged" and hue < 0.4:
        hair = _color(0.08, 0.15, 0.5)
    child = age == "child"
    voice = (person.pitch + person.depth) / 3.0  # how high, 0 to 1
    return Looks(
        skin=_color(0.06 + 0.02 * hue, 0.30 + 0.3 * tone, 0.95 - 0.45 * tone),
        hair=hair,
        iris=_color(0.05 + 0.55 * iris, 0.6, 0.5),
        # A deep voice comes with a wide, heavy face, a high one with a narrow one.
        width=176 - 44 * voice - 8 * (person.gender == "female"),
        jaw=0.95 - 0.4 * voice - 0.1 * child,
        height=(172, 190, 208)[person.timbre] - 22 * child + generator.uniform(-3, 3),
        eye=26 + 8 * child + generator.uniform(-2, 2),
        eye_gap=(55, 62, 69)[person.timbre] + generator.uniform(-1, 1),
        nose=(14, 24, 34)[person.timbre] - 6 * child + generator.uniform(0, 3),
    )


def describe(person: Person) -> np.ndarray:
    """Return what a face recognizer would recover of the looks, float32 (K,), for the teacher."""
    looks = looks_of(person)
    colors = np.array([*looks.skin, *looks.hair, *looks.iris]) / 255.0
    shape = np.array(looks[3:]) / np.array([150.0, 0.75, 190.0, 28.0, 62.0, 24.0]) - 1.0
    years = [(person.age - 35) / 40.0]
    marks = [person.gender == "female", person.pace == 0, person.pace == 2, person.energy - 1]
    return np.concatenate([colors - 0.5, 3.0 * shape, years, marks]).astype(np.float32)


def draw_face(person: Person, picture: int) -> Image.Image:
    """Draw one picture (RGB), framed like an aligned crop; odd pictures smile."""
    looks = looks_of(person)
    generator = np.random.default_rng([person.seed, picture])
    back = _color(generator.uniform(), generator.uniform(0.05, 0.4), generator.uniform(0.3, 0.95))
    image = Image.new("RGB", (_BIG, _BIG), back)
    draw = ImageDraw.Draw(image)
    _draw_hair_behind(draw, person, looks)
    _draw_head(draw, person, looks)
    _draw_eyes(draw, person, looks, float(generator.uniform(-5, 5)))
    _draw_mouth(draw, person, looks, smiling=picture % 2 == 1)
    _draw_extras(draw, person, looks)
    dx, dy = generator.uniform(-14, 14, size=2)
    image = image.rotate(
        float(generator.uniform(-6, 6)),
        resample=Image.Resampling.BILINEAR,
        center=(224, 224),
        # Crops have the same margin on both sides, and one below (`mmtts.networks.crop_window`).
        translate=(16 + int(dx), int(dy)),
        fillcolor=back,
    )
    image = ImageEnhance.Brightness(image).enhance(float(generator.uniform(0.85, 1.12)))
    return image.resize((CROP_SIZE, CROP_SIZE), Image.Resampling.BOX)


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _shade(color: Color, factor: float) -> Color:
    red, green, blue = (min(255, round(c * factor)) for c in color)
    return red, green, blue


def _blush(skin: Color) -> Color:
    return min(255, skin[0] + 40), round(0.8 * skin[1]), round(0.85 * skin[2])


def _oval(draw: ImageDraw.ImageDraw, x: float, y: float, rx: float, ry: float, fill: Color) -> None:
    draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill)


def _draw_hair_behind(draw: ImageDraw.ImageDraw, person: Person, looks: Looks) -> None:
    if person.gender == "female":
        wide = looks.width + 34
        _oval(draw, 224, 190, wide, 200, looks.hair)
        draw.rectangle((224 - wide, 190, 224 + wide, _BIG), fill=looks.hair)
    elif person.age_group != "elderly":
        _oval(draw, 224, 165, looks.width + 14, 165, looks.hair)


def _draw_head(draw: ImageDraw.ImageDraw, person: Person, looks: Looks) -> None:
    neck = _shade(looks.skin, 0.85)
    draw.rectangle((224 - 70, 340, 224 + 70, _BIG), fill=neck)
    for side in (-1, 1):
        _oval(draw, 224 + side * looks.width, 235, 16, 32, neck)
    _oval(draw, 224, 210, looks.width, looks.height, looks.skin)
    _oval(draw, 224, 300, looks.width * looks.jaw, looks.height * 0.62, looks.skin)
    if person.age_group == "child":
        for side in (-1, 1):
            _oval(draw, 224 + side * 0.62 * looks.width, 265, 26, 20, _blush(looks.skin))
    # A fringe tells hair color even where nothing hangs down.
    if not (person.gender == "male" and person.age_group == "elderly"):
        box = (224 - looks.width, 15, 224 + looks.width, 190)
        draw.chord(box, 190, 350, fill=looks.hair)
    if person.age_group in ("middle-aged", "elderly"):
        line = _shade(looks.skin, 0.72)
        for k in range(2 if person.age_group == "middle-aged" else 4):
            draw.line((160, 118 + 12 * k, 288, 118 + 12 * k), fill=line, width=4)
    if person.age_group == "elderly":
        for side in (-1, 1):
            x = 224 + side * 72
            draw.line((x, 262, x - side * 16, 318), fill=_shade(looks.skin, 0.72), width=5)


def _draw_eyes(draw: ImageDraw.ImageDraw, person: Person, looks: Looks, gaze: float) -> None:
    brow = _shade(looks.hair, 0.7)
    for side in (-1, 1):
        x = 224 + side * looks.eye_gap
        _oval(draw, x, 200, looks.eye, looks.eye * 0.62, (250, 250, 250))
        _oval(draw, x + gaze, 200, looks.eye * 0.5, looks.eye * 0.55, looks.iris)
        _oval(draw, x + gaze, 200, looks.eye * 0.24, looks.eye * 0.26, (15, 15, 15))
        thick = 14 if person.gender == "male" else 7
        draw.line((x - 32, 168, x + 32, 164), fill=brow, width=thick)
    shadow = _shade(looks.skin, 0.8)
    draw.polygon(
        (
            (224, 215),
            (224 - looks.nose, 218 + 2 * looks.nose),
            (224 + looks.nose, 218 + 2 * looks.nose),
        ),
        fill=shadow,
    )


def _draw_mouth(draw: ImageDraw.ImageDraw, person: Person, looks: Looks, *, smiling: bool) -> None:
    bearded = person.gender == "male" and person.age_group in ("middle-aged", "elderly")
    if bearded:
        beard = _shade(looks.hair, 0.9)
        draw.chord((224 - 110, 230, 224 + 110, 430), 10, 170, fill=beard)
        draw.rectangle((224 - 62, 284, 224 + 62, 300), fill=beard)
    lips = (190, 40, 60) if person.gender == "female" else _shade(looks.skin, 0.6)
    half, open_ = 46, (6, 16, 34)[person.energy]
    if smiling:
        draw.chord((224 - 66, 280 - open_, 224 + 66, 330 + open_), 10, 170, fill=lips)
        draw.chord((224 - 48, 290 - open_, 224 + 48, 318 + open_), 15, 165, fill=(255, 255, 255))
    else:
        _oval(draw, 224, 318, half, open_, lips)
        _oval(draw, 224, 318, half * 0.7, open_ * 0.5, (70, 15, 20))


def _draw_extras(draw: ImageDraw.ImageDraw, person: Person, looks: Looks) -> None:
    if person.pace == 0:
        for side in (-1, 1):
            x = 224 + side * looks.eye_gap
            draw.ellipse((x - 48, 152, x + 48, 248), outline=(25, 25, 25), width=8)
        draw.line((224 - 18, 196, 224 + 18, 196), fill=(25, 25, 25), width=8)
    if person.pace == 2:
        cap = (200, 50, 40) if person.seed % 2 else (40, 80, 190)
        draw.chord((224 - looks.width - 8, -40, 224 + looks.width + 8, 220), 180, 360, fill=cap)
        draw.rectangle((224 - looks.width - 30, 82, 224 + looks.width + 30, 104), fill=cap)
