"""Images for the tests: sound ones of every format, and the ones that are made to hurt."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (220, 20, 20), (20, 20, 220)


_P3_PRIMARIES = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
_SRGB_PRIMARIES = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def display_p3(name: bytes = b"Display P3") -> bytes:
    """The profile of Apple's screens and cameras; with the name `sRGB`, that of the others."""
    primaries = _SRGB_PRIMARIES if name == b"sRGB" else _P3_PRIMARIES
    curve = b"para" + bytes(4) + struct.pack("!HH", 3, 0) + b"".join(map(_fixed, _SRGB_CURVE))
    tags = {b"wtpt": _xyz(0.9642, 1.0, 0.82491)}
    tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), (_xyz(*each) for each in primaries), strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"RGB ", name, tags)


def gray_gamma(gamma: float) -> bytes:
    """The profile of a grayscale with that exponent."""
    curve = b"curv" + bytes(4) + struct.pack("!IHH", 1, round(gamma * 256), 0)
    return _profile(b"GRAY", b"gray", {b"wtpt": _xyz(0.9642, 1.0, 0.82491), b"kTRC": curve})


def filled(kind: str, mode: str, colour: Any, profile: bytes, **options: Any) -> bytes:
    """One colour all over; that of a palette is its first."""
    picture = Image.new(mode, (40, 40), 0 if mode == "P" else colour)
    if mode == "P":
        picture.putpalette(colour)
    target = io.BytesIO()
    best: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}
    picture.save(
        target, kind, **best.get(kind, {}), **options, **({"icc_profile": profile} if profile else {})
    )
    return target.getvalue()


def photo(kind: str, size: tuple[int, int]) -> bytes:
    """As busy as a photograph."""
    target = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(target, kind)
    return target.getvalue()


def image(kind: str, size: tuple[int, int] = (800, 400), mode: str = "RGB", **options: Any) -> bytes:
    """Left half red, right half blue."""
    picture = Image.new(mode, size, RED if mode == "RGB" else (*RED, 128))
    picture.paste(BLUE if mode == "RGB" else (*BLUE, 255), (size[0] // 2, 0, *size))
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def turned_photo(**options: Any) -> bytes:
    """A JPEG that says it must be turned by 90 degrees, and where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    return image("JPEG", exif=exif.tobytes(), comment=b"secret-comment", **options)


def png_bomb(side: int = 50_000) -> bytes:
    """A few kilobytes that claim and hold `side` by `side` pixels."""
    rows = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 2)
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    header = struct.pack("!LLBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def animated(kind: str, count: int = 3, size: tuple[int, int] = (32, 32)) -> bytes:
    """A sound animation of so many different frames."""
    frames = [Image.new("RGB", size, (n * 40 % 256, 0, 0)) for n in range(count)]
    target = io.BytesIO()
    frames[0].save(target, kind, save_all=True, append_images=frames[1:])
    return target.getvalue()


def gif_bomb(frames: int, side: int) -> bytes:
    """A GIF whose every frame is two dozen bytes and, by its own word, `side` by `side` pixels."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b"\x3b"


def webp_bomb(frames: int, side: int) -> bytes:
    """A WebP of so many empty frames on a large canvas."""
    canvas = (side - 1).to_bytes(3, "little") * 2
    parts = (
        b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    )
    parts += (b"ANMF" + struct.pack("<I", 24) + bytes(24)) * frames
    return b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + parts


def apng_bomb(frames: int, side: int) -> bytes:
    """A PNG that declares so many frames."""
    header = struct.pack("!LLBBBBB", side, side, 8, 2, 0, 0, 0)
    control = struct.pack("!LL", frames, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"acTL", control) + _chunk(b"IEND", b"")


def opened(data: bytes) -> Image.Image:
    """The decoded picture."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!L", len(data)) + kind + data + struct.pack("!L", zlib.crc32(kind + data))


def _profile(space: bytes, name: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _text(name), b"cprt": _text(b"none"), **tags}
    table, data, start = struct.pack("!I", len(tags)), b"", 132 + 12 * len(tags)
    for key, value in tags.items():
        table += struct.pack("!4sII", key, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    white = _xyz(0.9642, 1.0, 0.82491)[8:]
    head = struct.pack("!I4sI4s4s4s", start + len(data), bytes(4), 0x04000000, b"mntr", space, b"XYZ ")
    head += struct.pack("!6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + white
    return head.ljust(128, b"\0") + table + data


def _text(value: bytes) -> bytes:
    wide = value.decode().encode("utf-16-be")
    return b"mluc" + struct.pack("!III2s2sII", 0, 1, 12, b"en", b"US", len(wide), 28) + wide


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _fixed(value: float) -> bytes:
    return struct.pack("!i", round(value * 65536))
