"""What becomes of an image that somebody brings: never more than its pixels, upright and of a bearable size."""

import re
import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from kb import imaging

NOISE = Image.effect_noise((60, 40), 60).convert("RGB")
SECRET = "taken by Ann at home"  # what no stored image may tell


def encode(image: Image.Image = NOISE, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112], made[0x010F] = orientation, SECRET
    return made


def text() -> PngInfo:
    made = PngInfo()
    made.add_itxt("Author", SECRET)
    return made


def moving(kind: str, *, width: int = 60, **options: object) -> bytes:
    first = NOISE.resize((width, 40))
    return encode(first, kind, save_all=True, append_images=[first.rotate(90), first.rotate(180)], **options)


def header(width: int, height: int) -> bytes:
    """What a PNG of this size begins with: a bomb is refused before it is unpacked."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", b"")
    )


CLEAN = {
    "png": encode(),
    "palette": encode(NOISE.convert("P"), transparency=3),
    "black and white": encode(NOISE.convert("1")),
    "jpeg": encode(kind="JPEG", progressive=True),
    "gif": encode(kind="GIF"),
    "webp": encode(NOISE.convert("RGBA"), "WEBP"),
    "moving gif": moving("GIF", duration=90, loop=0),
    "moving png": moving("PNG", duration=90),
    "moving webp": moving("WEBP", duration=90),
}
TALKATIVE = {
    "jpeg with exif": encode(kind="JPEG", exif=exif()),
    "jpeg with a comment": encode(kind="JPEG", comment=SECRET.encode()),
    "jpeg with a tail": encode(kind="JPEG") + SECRET.encode(),
    "second picture behind": encode(kind="MPO", save_all=True, append_images=[NOISE]) + SECRET.encode(),
    "png with text": encode(pnginfo=text()),
    "png with exif": encode(NOISE.convert("LA"), exif=exif()),
    "png with a tail": encode() + f"<script>{SECRET}</script>".encode(),
    "gif with a comment": moving("GIF", comment=SECRET.encode()),
    "webp with exif and xmp": encode(kind="WEBP", exif=exif(), xmp=SECRET.encode()),
    "webp with a tail": encode(kind="WEBP") + SECRET.encode(),
    "moving png with text": moving("PNG", pnginfo=text(), exif=exif()),
    "moving webp with exif": moving("WEBP", exif=exif()),
}


@pytest.mark.parametrize("data", CLEAN.values(), ids=CLEAN)
def test_an_image_with_nothing_to_remove_keeps_its_bytes(data: bytes) -> None:
    assert imaging.clean(data).data == data


@pytest.mark.parametrize("data", TALKATIVE.values(), ids=TALKATIVE)
def test_what_an_image_tells_besides_its_pixels_is_gone(data: bytes) -> None:
    assert SECRET.encode() in data

    made = imaging.clean(data)

    assert SECRET.encode() not in made.data
    assert (made.width, made.height) == NOISE.size
    assert imaging.clean(made.data).data == made.data, "what was cleaned once stays as it is"


def test_a_photo_is_turned_as_the_camera_was_held() -> None:
    left_red = Image.new("RGB", (60, 40), "white")
    left_red.paste("red", (0, 0, 30, 40))

    made = imaging.clean(encode(left_red, "JPEG", exif=exif(orientation=6), quality=95))

    with Image.open(BytesIO(made.data)) as upright:
        assert upright.size == (made.width, made.height) == (40, 60)
        assert upright.getpixel((20, 5))[1] < 60, "what was left is up"
        assert upright.getpixel((20, 55))[1] > 200


@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_large_image_becomes_as_large_as_pages_need(mode: str) -> None:
    made = imaging.clean(encode(Image.new(mode, (4000, 1000))))

    assert (made.width, made.height, made.media_type) == (2000, 500, "image/png")


def test_colours_keep_their_meaning() -> None:
    profile = b"\0" * 128
    made = imaging.clean(encode(kind="JPEG", icc_profile=profile, exif=exif()))

    with Image.open(BytesIO(made.data)) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: b"", "The image is empty"),
        (lambda: b"x" * 10_000_001, "10,000,001 bytes; at most 10,000,000"),
        (lambda: b"<?xml version='1.0'?><svg onload='alert(1)'/>", "SVG is not accepted, because it can hold scripts"),
        (lambda: b"\0\0\0\x18ftypheic\0\0\0\0", "Photos in HEIC or AVIF are not accepted"),
        (lambda: b"%PDF-1.7", "no image that pages show: choose PNG, JPEG, GIF or WebP"),
        (lambda: encode()[:900], "damaged"),
        (lambda: encode(kind="JPEG")[:700], "damaged"),
        (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "PNG, JPEG, GIF or WebP|damaged"),
        (lambda: header(8000, 8000), "8,000 × 8,000 pixels; at most 50,000,000"),
        (lambda: header(20000, 20000), "at most 50,000,000 pixels"),
        (lambda: moving("GIF", width=2100), "animation is wider or higher than 2,000"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(make: Callable[[], bytes], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        imaging.clean(make())
    assert re.search(message, refused.value.messages[0])


def test_an_animation_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imaging, "MOST_MOVING", 3 * 60 * 40 - 1)
    with pytest.raises(ValidationError, match="3 frames"):
        imaging.clean(moving("GIF"))
