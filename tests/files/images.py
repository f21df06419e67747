"""Images for the tests: sound ones of every format, and the ones that are made to hurt."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (220, 20, 20), (20, 20, 220)


def image(kind: str, size: tuple[int, int] = (800, 400), mode: str = "RGB", **options: Any) -> bytes:
    """Left half red, right half blue."""
    picture = Image.new(mode, size, RED if mode == "RGB" else (*RED, 128))
    picture.paste(BLUE if mode == "RGB" else (*BLUE, 255), (size[0] // 2, 0, *size))
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def turned_photo() -> bytes:
    """A JPEG that says it must be turned by 90 degrees, and where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    return image("JPEG", exif=exif.tobytes(), comment=b"secret-comment")


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
