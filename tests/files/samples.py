"""Small files of common formats, and what is thought of bytes under a name."""

import io
import struct
import zipfile

from filewallball.files.inspection.labels import mislabelling
from filewallball.files.inspection.media_type import inspect
from filewallball.files.inspection.suspicion import Suspicion, judge

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 1, 1, 8, 2, 0, 0, 0) + b"\0" * 64
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\0" * 64
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + b"\0" * 64
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 60
SCRIPT = b"#!/bin/sh\necho hello\n"
TEXT = b"Only words, and more of them.\n"
DOS = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + bytes(200)
FAR_PE = b"MZ" + bytes(58) + struct.pack("<I", 9000) + bytes(8936) + b"PE\0\0" + bytes(100)
RANDOM = bytes(range(255, 0, -1))


class Bytes(io.BytesIO):
    """Staged bytes in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.head, self.size = data[:4096], len(data)


def suspicion(data: bytes, name: str, claimed: str = "") -> Suspicion:
    staged = Bytes(data)
    return judge(staged, name, inspect(staged.head, claimed, name, staged))


def label(data: bytes, name: str, claimed: str = "") -> dict[str, str]:
    staged = Bytes(data)
    return mislabelling(name, claimed, inspect(staged.head, claimed, name, staged).media_type)


def zipped(*sizes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(zipfile.ZipInfo(f"{number}.txt"), b"\0" * size, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def jar() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), "Manifest-Version: 1.0\r\n")
        archive.writestr(zipfile.ZipInfo("a/B.class"), b"\xca\xfe\xba\xbe\0\0\0\x34")
    return buffer.getvalue()
