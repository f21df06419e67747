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
from typing import BinaryIO

from PIL import (  # noqa: F401
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

REFUSED = 3
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")


def main() -> int:
    max_pixels, size, memory_bytes, seconds = (int(argument) for argument in sys.argv[1:5])
    source = _sample("PNG") if "check" in sys.argv else open(0, "rb", closefd=False)  # noqa: SIM115
    for format_name in FORMATS:
        render(_sample(format_name), 16, max_pixels)  # whatever is loaded when first needed is loaded now
    _confine(memory_bytes, seconds)
    try:
        kind, data = render(source, size, max_pixels)
    except Exception:
        return REFUSED
    sys.stdout.buffer.write(kind + data)
    sys.stdout.buffer.flush()
    return 0


def render(source: BinaryIO, size: int, max_pixels: int) -> tuple[bytes, bytes]:
    """The image, upright and no larger than `size` by `size`, encoded anew: nothing but pixels is carried over."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(source, formats=FORMATS) as image:
        if image.width * image.height > max_pixels:
            raise ValueError("too many pixels")
        image.draft("RGB", (size, size))
        upright = ImageOps.exif_transpose(_plain(image))
    upright.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    clean = Image.new(upright.mode, upright.size)
    clean.paste(upright)
    target = io.BytesIO()
    if clean.mode == "RGBA":
        clean.save(target, "PNG", optimize=False)
        return b"png", target.getvalue()
    clean.save(target, "JPEG", quality=82, progressive=False)
    return b"jpg", target.getvalue()


def _plain(image: Image.Image) -> Image.Image:
    """Eight bits a channel, with transparency where there is any; EXIF stays, for the orientation."""
    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    transparent = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    plain = image.convert("RGBA" if transparent else "RGB")
    if exif:
        plain.info["exif"] = exif.tobytes()
    return plain


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
    Image.new("RGB", (64, 48), "gray").save(target, kind)
    target.seek(0)
    return target


if __name__ == "__main__":
    sys.exit(main())
