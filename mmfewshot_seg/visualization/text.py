"""Text in pictures, in any script that a font of this machine has."""

import logging
from collections.abc import Sequence
from functools import cache
from typing import cast

import cv2
import numpy as np
from mmengine.logging import print_log
from PIL import Image, ImageDraw, ImageFont

_OPENCV = cv2.FONT_HERSHEY_SIMPLEX  # printable ASCII only
_PIXELS = 30  # size of a font whose letters are as high as OpenCV's at scale 1


def legible(names: Sequence[str]) -> list[str]:
    """Names that can be drawn; one whose letters no font has becomes its number, from 1 on.

    Which number is which name is logged once.
    """
    drawn = [name if can_draw(name) else str(n) for n, name in enumerate(names, start=1)]
    numbered = tuple(f'{d} = {name}' for d, name in zip(drawn, names, strict=True) if d != name)
    if numbered:
        _log_legend(numbered)
    return drawn


def can_draw(text: str) -> bool:
    """Whether there is a font with all letters of a text."""
    return _is_plain(text) or _font_file(text) is not None


def text_size(text: str, scale: float, thickness: int = 1) -> tuple[int, int, int]:
    """Width of a text, its height above the base line, and below it, in pixels.

    Args:
        text: A line.
        scale: Size in OpenCV's unit; at 1 its capitals are 21 pixels high.
        thickness: Width of the strokes of plain letters, in pixels.
    """
    if _is_plain(text) or not can_draw(text):
        (width, height), below = cv2.getTextSize(text, _OPENCV, scale, thickness)
        return width, height, below
    left, top, right, bottom = _font(text, scale).getbbox(text, anchor='ls')
    return int(right - min(left, 0)), int(-top), int(max(bottom, 1))


def draw_text(
    picture: np.ndarray,
    text: str,
    place: tuple[int, int],
    scale: float,
    colour: tuple[int, int, int],
    thickness: int = 1,
    rim: tuple[int, int, int] | None = None,
) -> None:
    """Draw a line of text into a picture.

    Args:
        picture: (H, W, 3) uint8, changed.
        text: ASCII is drawn by OpenCV, else by the first font that has all letters; if none has,
            question marks stand for them.
        place: (x, y) where the base line begins.
        scale: See :func:`text_size`.
        colour: Colour of the letters.
        thickness: Width of the strokes of plain letters, in pixels.
        rim: Colour around the letters, or None.
    """
    if _is_plain(text) or not can_draw(text):
        for ink, line in ((rim, thickness + 2), (colour, thickness)):
            if ink is not None:
                cv2.putText(picture, text, place, _OPENCV, scale, ink, line, cv2.LINE_AA)
        return
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text(
        place,
        text,
        colour,
        _font(text, scale),
        anchor='ls',
        stroke_width=0 if rim is None else 1,
        stroke_fill=rim,
    )
    picture[:] = np.asarray(image)


def _is_plain(text: str) -> bool:
    return text.isascii() and (text.isprintable() or not text)


def _font(text: str, scale: float) -> ImageFont.FreeTypeFont:
    file = cast(str, _font_file(text))  # of what can be drawn
    return ImageFont.truetype(file, max(round(_PIXELS * scale), 8))


@cache
def _font_file(text: str) -> str | None:
    """The first font with all letters: DejaVu Sans, which matplotlib brings, else of the system."""
    from matplotlib.font_manager import findfont, fontManager

    fonts = (font for font in fontManager.ttflist if not font.name.startswith('Last Resort'))
    files = [findfont('DejaVu Sans'), *sorted(font.fname for font in fonts)]
    letters = {ord(letter) for letter in text if letter != ' '}
    return next((file for file in dict.fromkeys(files) if letters <= _letters(file)), None)


@cache
def _letters(font_file: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        ImageFont.truetype(font_file, _PIXELS)  # coloured emoji have one size only
        return frozenset(FT2Font(font_file).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()


@cache
def _log_legend(numbered: tuple[str, ...]) -> None:
    print_log(
        f'no font has all letters of these names, numbers are drawn instead: {", ".join(numbered)}',
        'current',
        logging.WARNING,
    )
