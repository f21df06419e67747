"""Decodes one hostile image, in a process of its own: standard input to standard output, under limits.

Run by its path, not imported by the service: `thumbnail_process.py MAX_PIXELS SIZE MEMORY_BYTES SECONDS`, or with
`check` as the last argument to try itself. Writes `jpg` or `png` and the image; exits with REFUSED for an image that
cannot be shown. Nothing that it is fed can make it use more than its limits, open a file or reach a network.
"""

import io
import os
import resource
import signal
import sys
import warnings
from contextlib import suppress
from typing import BinaryIO

from PIL import (  # noqa: F401
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

REFUSED = 3
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_PROGRESSIVE_FRAME, _SCAN, _END = b"\xff\xc2", b"\xff\xda", b"\xff\xd9"
_LAST_LINES = 32
"""Of a JPEG whose end is missing, the decoder holds back at most these: two rows of blocks."""
_UNUSUAL = (3, 250, 7, 91)


def main() -> int:
    max_pixels, size, memory_bytes, seconds = (int(argument) for argument in sys.argv[1:5])
    source = _sample("PNG") if "check" in sys.argv else open(0, "rb", closefd=False)  # noqa: SIM115
    for format_name in FORMATS:  # whatever is loaded when first needed is loaded now
        render(_sample(format_name), 16, max_pixels)
    _confine(memory_bytes, seconds)
    try:
        kind, data = render(source, size, max_pixels)
    except Exception:
        return REFUSED
    sys.stdout.buffer.write(kind + data)
    sys.stdout.buffer.flush()
    return 0


def render(source: BinaryIO, size: int, max_pixels: int) -> tuple[bytes, bytes]:
    """The image in sRGB, upright and no larger than `size` by `size`, encoded anew: only pixels are carried over."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with _opened(source, size, max_pixels) as image:
        upright = ImageOps.exif_transpose(_plain(image))
        profile = image.info.get("icc_profile")
    upright.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    shown = _in_srgb(upright, profile)
    clean = Image.new(shown.mode, shown.size)
    clean.paste(shown)
    target = io.BytesIO()
    if clean.mode == "RGBA":
        clean.save(target, "PNG", optimize=False)
        return b"png", target.getvalue()
    clean.save(target, "JPEG", quality=82, progressive=False)
    return b"jpg", target.getvalue()


def _opened(source: BinaryIO, size: int, max_pixels: int) -> Image.Image:
    """The decoded image; of a JPEG whose end is missing, too, if nearly all of it is there."""
    image = _drafted(source, size, max_pixels)
    try:
        image.load()
    except OSError:
        if image.format != "JPEG":
            raise
        source.seek(0)
        data = source.read()
        if not _is_nearly_whole(data, size, max_pixels):
            raise
        image = _drafted(io.BytesIO(data + _END), size, max_pixels)
        image.load()
    return image


def _drafted(source: BinaryIO, size: int, max_pixels: int) -> ImageFile.ImageFile:
    image = Image.open(source, formats=FORMATS)
    if image.width * image.height > max_pixels:
        raise ValueError("too many pixels")
    image.draft("RGB", (size, size))
    return image


def _is_nearly_whole(data: bytes, size: int, max_pixels: int) -> bool:
    """True if a cut JPEG lacks no more than its last rows; a progressive one, if its first scan is whole."""
    _, progressive, scans = data.rpartition(_PROGRESSIVE_FRAME)
    if progressive:
        return scans.count(_SCAN) > 1
    image = _drafted(io.BytesIO(data), size, max_pixels)
    unusual = _UNUSUAL[0] if image.mode == "L" else _UNUSUAL[: len(image.getbands())]
    pixels = image.im = Image.new(image.mode, image.size, unusual).im
    with suppress(OSError):
        image.load()  # rows that it does not reach stay unusual
    last = image.height - _LAST_LINES - 1
    if last < 0:
        return False
    return bool(pixels.crop((0, last, image.width, last + 1)).getcolors(1) != [(image.width, unusual)])


def _plain(image: Image.Image) -> Image.Image:
    """Eight bits a channel, no palette, with transparency where there is any; EXIF stays, for the orientation."""
    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        mode = "RGBA"
    else:
        mode = image.mode if image.mode in ("L", "CMYK") else "RGB"
    plain = image.convert(mode) if image.mode != mode else image.copy()
    if exif:
        plain.info["exif"] = exif.tobytes()
    return plain


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours that the profile means, as RGB or RGBA; a profile that cannot be used is ignored."""
    if image.mode == "RGBA":
        shown = _in_srgb(image.convert("RGB"), profile)
        shown.putalpha(image.getchannel("A"))
        return shown
    if profile:
        for mode in dict.fromkeys((image.mode, "L" if image.mode == "RGB" else image.mode)):
            with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
                return _converted(image.convert(mode), profile)
    return image.convert("RGB")


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    found = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert found is not None  # noqa: S101 - it is not asked to convert in place
    return found


def _confine(memory_bytes: int, seconds: int) -> None:
    """Memory, processor time, wall time; and no descriptor beyond the three that are open, so no file or socket."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    signal.alarm(seconds + 1)
    os.nice(5)


def _sample(kind: str) -> BinaryIO:
    target = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (64, 48), "gray").save(target, kind, icc_profile=profile)
    target.seek(0)
    return target


if __name__ == "__main__":
    sys.exit(main())
