"""Pictures: any file or array into upright RGB, in bounded memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mmtts import InputError

MAX_PIXELS = 64_000_000
GROUND = (128, 128, 128)  # where there is no picture
# Decoders that neither start other programs nor fetch anything.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

Picture = Image.Image | np.ndarray | str | os.PathLike[str]


def load_image(picture: Picture) -> Image.Image:
    """Decode a picture to upright RGB.

    Args:
        picture: a path, a PIL image, or uint8 (H, W), (H, W, 3) or (H, W, 4). Transparent parts
            become gray; grey pictures become three equal channels.

    Raises:
        InputError: the file is missing, is no picture, is cut short, or has too many pixels.
    """
    if isinstance(picture, np.ndarray):
        return _to_rgb(_from_array(picture))
    if isinstance(picture, Image.Image):
        return _to_rgb(picture)
    path = Path(picture)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: give the path of a picture.")
    return decode_image(path, str(path))


def decode_image(file: Path | IO[bytes], name: str) -> Image.Image:
    """Decode a file to upright RGB; see `load_image`.

    Args:
        file: A path, or an open file.
        name: How to call it in a message.

    Raises:
        InputError: it is no picture, is cut short, or has too many pixels.
    """
    try:
        with Image.open(file, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise InputError(
                    f"{name} has {width} x {height} pixels: "
                    f"make it smaller than {MAX_PIXELS // 10**6} million."
                )
            return _to_rgb(image)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{name} has too many pixels: make it smaller than {MAX_PIXELS // 10**6} million."
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is no picture that can be read: use JPEG or PNG.") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise InputError(f"{name} is a damaged picture: {error}") from error


def _from_array(array: np.ndarray) -> Image.Image:
    """Wrap a uint8 array."""
    channels = array.shape[2:] in ((), (3,), (4,)) and array.ndim in (2, 3)
    if array.dtype != np.uint8 or not channels or not array.size:
        raise InputError(
            f"A picture of shape {array.shape} and type {array.dtype} cannot be used: "
            "give uint8 of shape (H, W, 3)."
        )
    return Image.fromarray(array)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Turn upright, lay transparent parts on gray, reduce 16 bits to 8."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        scale = 255.0 / max(255.0, 65535.0 if values.max() > 255 else 255.0)
        image = Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*GROUND, 255))
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")
