"""Bytes to an image that may be shown: sniffed, decoded, upright, small enough, without metadata. Pure.

PNG, JPEG, GIF and WebP. SVG is refused: it is a document that can hold scripts, styles and addresses of other sites,
and no sanitiser for it is kept as well as those for HTML. An image without anything to remove keeps its bytes, so that
what was exported and imported again is the same image; everything else is encoded anew from its pixels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.exceptions import ValidationError
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

LARGEST = 10_000_000  # bytes of a file
MOST_PIXELS = 50_000_000  # a telephone's largest photo; decoded it takes 200 MB for a moment
MOST_MOVING = 100_000_000  # pixels of all frames of an animation together
LONGEST_SIDE = 2000  # pixels: three for each of the widest column
QUALITY = 88

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
KINDS = "PNG, JPEG, GIF or WebP"
# What decoders report that is needed to show an image. Anything else is about the camera, the place or the person.
NEEDED = {
    "adobe", "adobe_transform", "aspect", "background", "bbox", "blend", "chromaticity", "default_image", "disposal",
    "dpi", "duration", "extension", "gamma", "icc_profile", "interlace", "jfif", "jfif_density", "jfif_unit",
    "jfif_version", "loop", "progression", "progressive", "srgb", "timestamp", "transparency", "version",
}  # fmt: skip
ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "GIF": b";"}


@dataclass(frozen=True)
class Picture:
    """An image as it is stored and served."""

    data: bytes
    media_type: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        """What it is called by: the same image has one address, however often it comes."""
        return hashlib.sha256(self.data).hexdigest()[:32]


def clean(data: bytes) -> Picture:
    """The image these bytes hold, safe to serve. Raises ValidationError with a sentence for whoever chose the file."""
    if not data:
        raise ValidationError("The image is empty: choose another file.")
    if len(data) > LARGEST:
        raise ValidationError(f"The image has {len(data):,} bytes; at most {LARGEST:,} are possible. Make it smaller.")
    try:
        with Image.open(BytesIO(data), formats=list(TYPES)) as image:
            return picture(image, data)
    except ValidationError:
        raise
    except UnidentifiedImageError as error:
        raise ValidationError(stranger(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValidationError(f"The image is too large: at most {MOST_PIXELS:,} pixels are possible.") from error
    except Exception as error:  # a decoder of damaged bytes raises whatever it stumbles over
        raise ValidationError("The image is damaged and cannot be read to its end. Save it once more.") from error


def stranger(data: bytes) -> str:
    """Why a file that no decoder knows is refused, and what to do instead."""
    start = data[:2000].lower()
    if b"<svg" in start:
        return f"SVG is not accepted, because it can hold scripts: save the drawing as {KINDS}."
    if start[4:8] == b"ftyp":
        return f"Photos in HEIC or AVIF are not accepted, because not every browser shows them: save it as {KINDS}."
    return f"This file is no image that pages show: choose {KINDS}."


def picture(image: Image.Image, data: bytes) -> Picture:
    moves = is_moving(image)
    check_size(image, frames=getattr(image, "n_frames", 1) if moves else 1)
    kind = "JPEG" if image.format == "MPO" else str(image.format)  # a telephone's JPEG with a second picture behind
    for frame in ImageSequence.Iterator(image) if moves else [image]:
        frame.load()
        if has_more(frame, data):
            return encoded(image, kind, moves=moves)
    if max(image.size) > LONGEST_SIDE or kind != image.format:
        return encoded(image, kind, moves=moves)
    return Picture(data, TYPES[kind], *image.size)


def is_moving(image: Image.Image) -> bool:
    return image.format != "MPO" and getattr(image, "is_animated", False)


def check_size(image: Image.Image, *, frames: int) -> None:
    """Before anything is decoded: the size stands in the first bytes of a file."""
    pixels = image.width * image.height
    if pixels > MOST_PIXELS:
        raise ValidationError(
            f"The image has {image.width:,} × {image.height:,} pixels; at most {MOST_PIXELS:,} in all are possible."
        )
    if frames > 1 and max(image.size) > LONGEST_SIDE:
        raise ValidationError(f"The animation is wider or higher than {LONGEST_SIDE:,} pixels: make it smaller.")
    if pixels * frames > MOST_MOVING:
        raise ValidationError(f"The animation has {frames:,} frames of this size, which is too much: make it shorter.")


def has_more(image: Image.Image, data: bytes) -> bool:
    """Whether a decoded image holds anything besides what is needed to show it."""
    kind, info = str(image.format), image.info
    if not info.keys() <= NEEDED or not data.endswith(ENDS.get(kind, b"")):
        return True
    if kind == "JPEG":
        segments = {name for name, content in getattr(image, "applist", []) if not content.startswith(b"ICC_PROFILE")}
        return image.mode not in ("L", "RGB") or not segments <= {"APP0", "APP14"}
    if kind == "PNG":
        return bool(getattr(image, "private_chunks", [])) or b"tIME" in data
    if kind == "GIF":
        return not info.get("extension", (b"NETSCAPE2.0", 0))[0].startswith(b"NETSCAPE2.0")
    return int.from_bytes(data[4:8], "little") + 8 != len(data)


def encoded(image: Image.Image, kind: str, *, moves: bool) -> Picture:
    """The pixels and the colours they mean, and nothing else."""
    out = BytesIO()
    image.seek(0)
    options: dict[str, Any] = {"format": kind, "icc_profile": image.info.get("icc_profile")}
    if moves:
        image.save(out, **options, save_all=True, comment=b"", exif=b"", xmp=b"", pnginfo=None)
        return Picture(out.getvalue(), TYPES[kind], *image.size)
    if kind in ("JPEG", "WEBP"):
        options |= {"quality": QUALITY}
    made = upright(image, kind)
    if made.mode in ("P", "L", "RGB", "I;16") and "transparency" in image.info:
        options |= {"transparency": image.info["transparency"]}
    made.info = {}
    made.save(out, **options)
    return Picture(out.getvalue(), TYPES[kind], *made.size)


def upright(image: Image.Image, kind: str) -> Image.Image:
    """Turned as the camera was held, and no side longer than the longest."""
    orientation = image.getexif()
    if max(image.size) > LONGEST_SIDE:
        if image.mode in ("1", "P") or "transparency" in image.info:
            image = image.convert("RGBA")
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    turned = ImageOps.exif_transpose(image) if orientation else image.copy()
    return turned.convert("RGB") if kind == "JPEG" and turned.mode not in ("L", "RGB") else turned
