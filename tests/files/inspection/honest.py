"""Honest files of many kinds, written by real libraries or as the named programs lay them out."""

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import wave
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import docx
import openpyxl
import pillow_heif
import pptx
from msoffcrypto.format.ooxml import OOXMLFile
from PIL import Image

from tests.files.images import image

pillow_heif.register_heif_opener()
_OFFICE = "application/vnd.openxmlformats-officedocument"
WORD, SHEET, SLIDES = (
    f"{_OFFICE}.wordprocessingml.document",
    f"{_OFFICE}.spreadsheetml.sheet",
    f"{_OFFICE}.presentationml.presentation",
)
PDF, ZIP, JAR = "application/pdf", "application/zip", "application/java-archive"
APK, EPUB, HWPX = "application/vnd.android.package-archive", "application/epub+zip", "application/hwp+zip"
MARKUP = b"<?xml version='1.0'?><x>" + b"y" * 200 + b"</x>"


@dataclass(frozen=True)
class Honest:
    """A file as somebody sends it, and what it is; `mislabelled` where name or claim say otherwise."""

    name: str
    claimed: str
    data: bytes
    media_type: str
    mislabelled: bool = False


def every_kind() -> Iterator[Honest]:
    """One file of each kind that a service has taken for an attack, and their neighbours."""
    yield from office_documents()
    yield from archives()
    yield from other_documents()
    yield from media()
    yield from texts()


def office_documents() -> Iterator[Honest]:
    """As the libraries write them, in the order of other programs, and behind a password."""
    for extension, media_type, plain in (
        ("docx", WORD, _saved(docx.Document().save)),
        ("xlsx", SHEET, _saved(openpyxl.Workbook().save)),
        ("pptx", SLIDES, _saved(pptx.Presentation().save)),
    ):
        yield Honest(f"plain.{extension}", media_type, plain, media_type)
        for order, parts in _orders(plain).items():
            yield Honest(f"{order}.{extension}", media_type, parts, media_type)
        for claimed in ("", media_type, "application/octet-stream"):
            yield Honest(f"secret.{extension}", claimed, _encrypted(plain), "application/encrypted")
    yield Honest("table.csv", "application/vnd.ms-excel", b"a,b,c\n1,2,3\n" * 30, "text/csv")


def archives() -> Iterator[Honest]:
    """ZIP formats in every order of entries, and the others whole and cut short."""
    text = b"".join(b"%d GET /files 200 %d\n" % (n, n * n) for n in range(20_000))
    app = {"classes.dex": b"dex\n035\0" + bytes(5000), "AndroidManifest.xml": b"\3\0\x08\0" + bytes(90)}
    gradle = {"META-INF/com/android/build/gradle/app-metadata.properties": b"appMetadataVersion=1.1\n"}
    manifest = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n"}
    for name, parts in (("dex-first", app), ("gradle", gradle | app), ("signed", app | manifest)):
        yield Honest(f"{name}.apk", APK, zipped(parts), APK)
    yield Honest("lib.jar", JAR, zipped(manifest | {"a/B.class": b"\xca\xfe\xba\xbe\0\0\0\x34"}), JAR)
    yield Honest("folders.jar", "", zipped({"META-INF/": b""} | manifest), JAR)
    yield Honest("shop.war", "", zipped({"WEB-INF/web.xml": MARKUP} | manifest), JAR)
    yield Honest("pkg-1.0-py3-none-any.whl", "", zipped({"pkg/__init__.py": b""}), ZIP)
    yield Honest("logs.zip", "application/x-zip-compressed", zipped({"a.log": text}), ZIP)
    yield Honest("cut.zip", "application/zip", zipped({"a.log": text})[:-400], ZIP)
    yield Honest("empty.zip", "application/zip", zipped({}), ZIP)
    packed = gzip.compress(text, mtime=0)
    for end in range(len(packed) // 3, len(packed), len(packed) // 40):
        yield Honest("server.log.gz", "application/gzip", packed[:end], "application/gzip")
    yield Honest("two.log.gz", "application/x-gzip", packed + packed, "application/gzip")
    yield Honest("notes.md.gz", "text/markdown", packed, "application/gzip")
    yield Honest("a.bz2", "application/x-bzip2", bz2.compress(text), "application/x-bzip2")
    yield Honest("a.xz", "application/x-xz", lzma.compress(text)[:-9], "application/x-xz")
    yield Honest("a.tar", "application/x-tar", _tarred(text), "application/x-tar")
    yield Honest("a.tgz", "application/x-compressed-tar", gzip.compress(_tarred(text)), "application/gzip")


def other_documents() -> Iterator[Honest]:
    """E-books, ODF, Hangul and PDF."""
    for name, data in _epubs():
        yield Honest(f"{name}.epub", EPUB, data, EPUB)
    parts = {"version.xml": MARKUP, "Contents/header.xml": MARKUP, "Contents/content.hpf": MARKUP}
    yield Honest("문서.hwpx", "application/haansofthwpx", _typed(HWPX, parts), HWPX)
    yield Honest("late.hwpx", "", zipped(parts), HWPX)
    odt = "application/vnd.oasis.opendocument.text"
    yield Honest(
        "letter.odt", odt, _typed(odt, {"content.xml": MARKUP, "META-INF/manifest.xml": MARKUP}), odt
    )
    pdf = image("PDF")
    for number, prefix in enumerate(_BEFORE_PDF):
        for claimed in (PDF, "", "application/x-pdf", "application/octet-stream"):
            yield Honest(f"report{number}.pdf", claimed, prefix + pdf, PDF)


def media() -> Iterator[Honest]:
    """Pictures under their own names and as .jpg, as phones and messengers send them; films of many brands."""
    for kind, extension in (
        *(("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp"), ("TIFF", "tif"), ("BMP", "bmp")),
        *(("AVIF", "avif"), ("HEIF", "heic")),
    ):
        media_type = "image/" + (extension if kind == "HEIF" else kind.lower())
        data = image(kind)
        yield Honest(f"photo.{extension}", media_type, data, media_type)
        yield Honest("IMG_0001.jpg", "image/jpeg", data, media_type, mislabelled=kind != "JPEG")
    for brand, media_type in _BRANDS.items():
        for claimed in ("video/mp4", ""):
            yield Honest("film.mp4", claimed, film(brand), media_type)
    yield Honest("film.mov", "video/quicktime", film(b"qt  "), "video/quicktime")
    yield Honest("sound.wav", "audio/x-wav", _sound(), "audio/wav")
    yield Honest("sound.mp3", "audio/mp3", b"ID3\x04" + bytes(2000), "audio/mpeg")


def texts() -> Iterator[Honest]:
    """JSON of every length, and words under a document's name."""
    for count in (0, 1, 10, 40, 100, 1000, 20_000):
        rows = [{"id": n, "name": "이름", "tags": ["a", "b"], "price": n * 1.5e9} for n in range(count)]
        for text in (json.dumps(rows), json.dumps({"rows": rows}, indent=2, ensure_ascii=False)):
            yield Honest("data.json", "application/json", text.encode(), "application/json")
            yield Honest("data", "", text.encode(), "application/json")
    yield Honest("long.json", "", json.dumps({"a": "x" * 9000}).encode(), "application/json")
    yield Honest("marked.json", "", b"\xef\xbb\xbf" + json.dumps(["x"] * 3000).encode(), "application/json")
    lines = b'{"a": 1, "b": "x"}\n' * 900
    yield Honest("lines.ndjson", "application/x-ndjson", lines, "application/json")
    yield Honest("settings.ini", "", b"[section]\nkey = {1}\n" * 100, "text/plain")
    yield Honest("notes.txt", "", b"[1] a remark\n" * 200, "text/plain")
    yield Honest("report.pdf", "application/pdf", b"hello\n", "text/plain", mislabelled=True)
    yield Honest("report.pdf", "", b"hello\n", "text/plain", mislabelled=True)
    yield Honest("photo.jpg", "image/jpeg", b"<html><p>Log in</p></html>", "text/html", mislabelled=True)


def zipped(parts: dict[str, bytes], stored: tuple[str, ...] = ("mimetype",), extra: bytes = b"") -> bytes:
    """A ZIP archive with its entries in this order; `extra` is an extra field for each stored one."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name)
            entry.extra = extra if name in stored else b""
            archive.writestr(entry, data, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
    return target.getvalue()


def film(brand: bytes) -> bytes:
    """The beginning of an ISO media file."""
    body = brand + b"\0\0\2\0" + brand
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + struct.pack(">I", 1008) + b"mdat" + bytes(1000)


_BRANDS = {
    **dict.fromkeys((b"isom", b"mp42", b"dash", b"iso9", b"NDSC"), "video/mp4"),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6"), "video/3gpp"),
    b"3g2a": "video/3gpp2",
    **dict.fromkeys((b"XAVC", b"mp71", b"zzzz"), "application/mp4"),
}
_BEFORE_PDF = (
    *(b"", b"\xef\xbb\xbf", b"\n", b"\r\n", b"   ", bytes(16)),
    b"Content-type: application/pdf\nContent-size: 90200\n\n",
    b'------WebKitFormBoundary\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n',
    b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n",
    b"x" * 1000,
)


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    target = io.BytesIO()
    save(target)
    return target.getvalue()


def _encrypted(plain: bytes) -> bytes:
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(plain)).encrypt("secret", target)
    return target.getvalue()


def _orders(plain: bytes) -> dict[str, bytes]:
    """The same parts as Google, LibreOffice and SharePoint put them, and with large ones before the telling ones."""
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    types = parts.pop("[Content_Types].xml")
    relations = parts.pop("_rels/.rels")
    first, last = {"_rels/.rels": relations}, {"[Content_Types].xml": types}
    long = {"docProps/thumbnail.jpeg": image("JPEG", (1200, 900))}
    return {
        "google": zipped(parts | first | last),
        "libreoffice": zipped(first | parts | last),
        "sharepoint": zipped({"customXml/item1.xml": MARKUP} | last | first | parts),
        "thumbnail": zipped(last | first | long | parts, stored=("docProps/thumbnail.jpeg",)),
    }


def _typed(media_type: str, parts: dict[str, bytes]) -> bytes:
    return zipped({"mimetype": media_type.encode()} | parts)


def _epubs() -> Iterator[tuple[str, bytes]]:
    kind = {"mimetype": EPUB.encode()}
    parts = {"META-INF/container.xml": MARKUP, "OEBPS/content.opf": MARKUP}
    yield "plain", zipped(kind | parts)
    yield "extra-field", zipped(kind | parts, extra=b"UT\x05\0\x01\0\0\0\0")
    yield "packed", zipped(kind | parts, stored=())
    yield "newline", zipped({"mimetype": EPUB.encode() + b"\r\n"} | parts)
    yield "last", zipped(parts | kind)
    yield "untyped", zipped(parts)


def _tarred(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("a.log")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


def _sound() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setparams((1, 2, 44100, 0, "NONE", ""))
        sound.writeframes(bytes(400))
    return target.getvalue()


def photos(count: int) -> Iterator[bytes]:
    """Different WebP and HEIC pictures."""
    for number in range(count):
        target = io.BytesIO()
        Image.new("RGB", (40, 40), (number, 0, 0)).save(target, ("WEBP", "HEIF")[number % 2])
        yield target.getvalue()
