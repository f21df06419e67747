"""Forms as clients write them, and what each must become: a name that is kept, or a refusal."""

import base64
import hashlib
from dataclasses import dataclass

BOUNDARY = b"----WebKitFormBoundaryZzy0Xx"
CONTENT_TYPE = "multipart/form-data; boundary=" + BOUNDARY.decode()
CONTENT = b"the bytes of a file\r\n"
_KOREAN = "보고서.txt"
_PERCENT = "%EB%B3%B4%EA%B3%A0%EC%84%9C.txt"


@dataclass(frozen=True)
class ClientForm:
    """One form, and the name under which its file is kept, or the code and status of its refusal."""

    client: str
    body: bytes
    filename: str = ""
    refused: tuple[int, str] | None = None
    named: str = ""
    """What the refusal names among its `errors`."""
    visibility: str = "unlisted"
    ignored: tuple[str, ...] = ()


def part(disposition: str | bytes, *headers: str, content: bytes = CONTENT) -> bytes:
    """One part of a form."""
    raw = disposition if isinstance(disposition, bytes) else disposition.encode()
    lines = [b"Content-Disposition: form-data; " + raw, *(header.encode() for header in headers)]
    return b"--" + BOUNDARY + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + content + b"\r\n"


def field(name: str, value: str | bytes, *headers: str) -> bytes:
    """One field of a form."""
    content = value if isinstance(value, bytes) else value.encode()
    return part(f'name="{name}"', *headers, content=content)


def form(*parts: bytes) -> bytes:
    """The parts, closed."""
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


FILE = part('name="file"; filename="a.txt"', "Content-Type: text/plain")


def _named(client: str, disposition: str | bytes, filename: str) -> ClientForm:
    return ClientForm(client, form(part(disposition)), filename)


def _with(
    client: str, *fields: bytes, ignored: tuple[str, ...] = (), visibility: str = "unlisted"
) -> ClientForm:
    return ClientForm(client, form(*fields, FILE), "a.txt", ignored=ignored, visibility=visibility)


def _refused(client: str, status: int, code: str, *parts: bytes, named: str = "") -> ClientForm:
    return ClientForm(client, form(*parts), refused=(status, code), named=named)


def _digest(algorithm: str) -> str:
    return base64.b64encode(hashlib.new(algorithm, CONTENT).digest()).decode()


NAMES = [
    _named("a browser", 'name="file"; filename="a b.txt"', "a b.txt"),
    _named("a browser, UTF-8", f'name="file"; filename="{_KOREAN}"', _KOREAN),
    _named("a browser, quotes", 'name="file"; filename="a %22b%22.txt"', 'a "b".txt'),
    _named("a browser, line breaks", 'name="file"; filename="a%0D%0Ab.txt"', "a__b.txt"),
    _named("a browser, a percent sign", 'name="file"; filename="100%41.txt"', "100%41.txt"),
    _named("a browser of a directory", 'name="file"; filename="dir/sub/a.txt"', "dir_sub_a.txt"),
    _named("curl before 7.81", r'name="file"; filename="a \"b\".txt"', 'a "b".txt'),
    _named("curl --form-escape", r'name="file"; filename="a\\b.txt"', "a_b.txt"),
    _named("Internet Explorer", r'name="file"; filename="C:\Users\me\r.txt"', "r.txt"),
    _named("Internet Explorer, slashes", 'name="file"; filename="C:/Users/me/r.txt"', "r.txt"),
    _named("Internet Explorer, a share", r'name="file"; filename="\\server\share\r.txt"', "r.txt"),
    _named("httpx, a path", r'name="file"; filename="C:\\Users\\me\\r.txt"', "r.txt"),
    _named("a browser on Linux, a backslash", r'name="file"; filename="a\b.txt"', "a_b.txt"),
    _named("a traversal, backslashes", r'name="file"; filename="..\..\evil.txt"', "__._evil.txt"),
    _named("a traversal, slashes", 'name="file"; filename="../../evil.txt"', "__._evil.txt"),
    _named(".NET HttpClient", "name=file; filename=a.txt; filename*=utf-8''a.txt", "a.txt"),
    _named("an extended name last", f"name=file; filename=x.txt; filename*=UTF-8''{_PERCENT}", _KOREAN),
    _named("an extended name first", f"filename*=UTF-8''{_PERCENT}; filename=x.txt; name=file", _KOREAN),
    _named("an extended name alone", f"name=file; filename*=UTF-8'ko'{_PERCENT}", _KOREAN),
    _named("an extended name in quotes", f'name="file"; filename*="utf-8\'\'{_PERCENT}"', _KOREAN),
    _named("an extended name in Latin-1", "name=file; filename*=iso-8859-1''na%EFve.txt", "naïve.txt"),
    _named("an extended name in EUC-KR", "name=file; filename*=EUC-KR''%BA%B8.txt", "보.txt"),
    _named("an extended name in Shift-JIS", "name=file; filename*=Shift_JIS''%95%5C.txt", "表.txt"),
    _named("an extended name that is broken", "name=file; filename*=UTF-8''%FF.txt", "�.txt"),
    _named("an unknown charset beside a name", "name=file; filename*=x-none''b; filename=a.txt", "a.txt"),
    _named("sections", 'name="file"; filename*0="a"; filename*1="b.txt"', "ab.txt"),
    _named("sections out of order", 'name="file"; filename*1="b.txt"; filename*0="a"', "ab.txt"),
    _named(
        "sections, encoded",
        f"name=file; filename*0*=UTF-8''{_PERCENT[:18]}; filename*1={_KOREAN[2:]}",
        _KOREAN,
    ),
    _named("sections in one charset", "name=file; filename*0*=euc-kr''%BA; filename*1*=%B8.txt", "보.txt"),
    _named("sections with a gap", "name=file; filename*0=a.txt; filename*2=.exe", "a.txt"),
    _named("sections beside a name", 'name=file; filename="x.txt"; filename*0=a.; filename*1=txt', "a.txt"),
    _named("no quotes, blanks", "name=file; filename=my report.txt", "my report.txt"),
    _named("no quotes, a last blank", "name=file ; filename = a.txt ", "a.txt"),
    _named("quotes within quotes", 'name="file"; filename="a"b.txt"', 'a"b.txt'),
    _named("a semicolon within quotes", 'name="file"; filename="a;b.txt"', "a;b.txt"),
    _named("a parameter within quotes", 'name="file"; filename="a; filename=b.exe"', "a; filename=b.exe"),
    _named("upper case", 'NAME="file"; FileName="a.txt"', "a.txt"),
    _named("bytes of EUC-KR", b'name="file"; filename="' + "보.txt".encode("euc-kr") + b'"', "��.txt"),
    _named("a blob of a script", 'name="file"; filename="blob"', "blob"),
    _named("bytes without a name", 'name="file"; filename=""', "unnamed"),
    ClientForm("no name beside its bytes", form(part('name="file"; filename="a.txt"', content=b"")), "a.txt"),
    ClientForm("nothing behind the end", form(FILE).removesuffix(b"\r\n"), "a.txt"),
    ClientForm("lines in LF", form(FILE.replace(CONTENT, b"x")).replace(b"\r\n", b"\n"), "a.txt"),
]
"""Names as clients write them."""

WIDGETS = [
    _with(
        "Uppy",
        *(field("relativePath", "null"), field("name", "a.txt"), field("type", "text/plain")),
        ignored=("relativePath", "name", "type"),
    ),
    _with("Plupload", field("name", "a.txt"), ignored=("name",)),
    _with(
        "Plupload, a single piece",
        *(field("name", "a.txt"), field("chunk", "0"), field("chunks", "1")),
        ignored=("name", "chunk", "chunks"),
    ),
    _with(
        "Resumable.js, a single piece",
        *(field("resumableChunkNumber", "1"), field("resumableTotalChunks", "1")),
        ignored=("resumableChunkNumber", "resumableTotalChunks"),
    ),
    _with("Dropzone", field("dzuuid", "b5cb6be2"), ignored=("dzuuid",)),
    _with("FilePond, its description of the file", field("file", "{}"), ignored=("file",)),
    _with("jQuery-File-Upload, a token", field("csrf", "x"), field("csrf", "y"), ignored=("csrf",)),
    _with("a submit button", field("submit", "Upload"), ignored=("submit",)),
    _with("an image as a button", field("go.x", "3"), field("go.y", "4"), ignored=("go.x", "go.y")),
    _with("PHP", field("MAX_FILE_SIZE", "30000"), ignored=("MAX_FILE_SIZE",)),
    _with("Rails", field("utf8", "✓"), field("_method", "put"), ignored=("utf8", "_method")),
    _with("a button in Latin-1", field("go", b"Gr\xfc\xdfe"), ignored=("go",)),
    _with("a name in Latin-1", part(b'name="gr\xfc\xdfe"', content=b"x"), ignored=("gr��e",)),
    _with("options left empty", *(field(name, "") for name in ("visibility", "expires_in", "description", "sha256"))),
    _with("an option once more, empty", field("visibility", ""), field("visibility", "public"), visibility="public"),
    _with("a second input for a file", part('name="photo"; filename=""', content=b"")),
    _with("Apache HttpClient", field("visibility", "public", "Content-Type: text/plain; charset=ISO-8859-1",
                                    "Content-Transfer-Encoding: 8bit"), visibility="public"),
    _with(".NET", field("visibility", "public", "Content-Type: text/plain; charset=utf-8"), visibility="public"),
    _with("OkHttp", field("visibility", "public", "Content-Length: 6"), visibility="public"),
    _with("a charset in quotes", field("visibility", "public", 'Content-Type: text/plain; charset="UTF-8"'),
          visibility="public"),
    ClientForm("Apache HttpClient, its file", form(part('name="file"; filename="a.txt"',
               "Content-Type: application/octet-stream", "Content-Transfer-Encoding: binary")), "a.txt"),
    ClientForm("a page in EUC-KR", form(field("_charset_", "euc-kr"), part(
        'name="file"; filename="보고서.txt"'.encode("euc-kr"))), "보고서.txt"),
    ClientForm("a page in EUC-KR, told last", form(part(
        'name="file"; filename="보고서.txt"'.encode("euc-kr")), field("_charset_", "EUC-KR")), "보고서.txt"),
    ClientForm("identity", form(part('name="file"; filename="a.txt"', "Content-Encoding: identity")), "a.txt"),
    *(
        ClientForm(f"a digest, {name}", form(part('name="file"; filename="a.txt"', header)), "a.txt")
        for name, header in {
            "sha-512": f"Content-Digest: sha-512=:{_digest('sha512')}:",
            "two": f"Repr-Digest: sha-256=:{_digest('sha256')}:, md5=:{_digest('md5')}:",
            "RFC 3230": f"Digest: SHA-256={_digest('sha256')},crc32c=AAAA",
            "RFC 1864": f"Content-MD5: {_digest('md5')}",
        }.items()
    ),
]  # fmt: skip
"""Fields and headers that widgets, browsers and libraries add."""

_BASE64 = base64.b64encode(CONTENT)
_MISSING, _DIGEST = (422, "validation_error"), (422, "digest_mismatch")
REFUSED = [
    _refused("an input for a file, none chosen", *_MISSING, part(
        'name="file"; filename=""', "Content-Type: application/octet-stream", content=b""), named="file"),
    _refused("text named like the file", *_MISSING, field("file", "text"), named="file"),
    _refused("no file at all", *_MISSING, field("name", "a.txt"), named="file"),
    _refused("another name of the part", *_MISSING, part('name="upload"; filename="a"'), named="file"),
    _refused("two files", *_MISSING, FILE, FILE, named="file"),
    _refused("base64", 415, "unsupported_media_type", part(
        'name="file"; filename="a.txt"', "Content-Transfer-Encoding: base64", content=_BASE64)),
    _refused("quoted-printable", 415, "unsupported_media_type", part(
        'name="file"; filename="a.txt"', "Content-Transfer-Encoding: Quoted-Printable")),
    _refused("an option in base64", 415, "unsupported_media_type", FILE,
             field("description", "eA==", "Content-Transfer-Encoding: base64")),
    _refused("a compressed part", 415, "unsupported_media_type", part(
        'name="file"; filename="a.txt"', "Content-Encoding: gzip")),
    _refused("a part of a part", 400, "bad_request", part(
        'name="file"; filename="a.txt"', "Content-Range: bytes 0-19/20")),
    _refused("options among a part's headers", *_MISSING, part(
        'name="file"; filename="a.txt"', "X-Visibility: private"), named="X-Visibility"),
    _refused("a digest of a field", *_MISSING, FILE, field(
        "description", "x", f"Content-Digest: sha-256=:{_digest('sha256')}:"), named="Content-Digest"),
    _refused("an unknown charset of the name", *_MISSING, part("name=file; filename*=x-none''a"), named="filename*"),
    _refused("a name twice", 400, "bad_request", part("name=file; filename=a.txt; filename=b.exe")),
    _refused("an extended name twice", 400, "bad_request", part("name=file; filename*=utf-8''a; FILENAME*=utf-8''b")),
    _refused("an option in Latin-1", *_MISSING, FILE, field("description", b"na\xefve"), named="description"),
    _refused("an option in another charset", *_MISSING, FILE, field(
        "description", "x", "Content-Type: text/plain; charset=utf-7"), named="description"),
    _refused("an option that is not in its charset", *_MISSING, FILE, field(
        "description", b"\xff", "Content-Type: text/plain; charset=euc-kr"), named="description"),
    *(
        _refused(f"misspelt: {name}", *_MISSING, FILE, field(name, "private"), named=name)
        for name in ("visiblity", "Visibility", "visibilty", "visibility[]", "expiresIn", "expire_in", "sha265")
    ),
    _refused("an option twice", *_MISSING, FILE, field("visibility", "public"), field("visibility", "public"),
             named="visibility"),
    *(
        _refused(f"one of several pieces: {name}", 400, "bad_request", field(name, "3"), FILE)
        for name in ("chunks", "dztotalchunkcount", "resumableTotalChunks", "flowTotalChunks", "qqtotalparts")
    ),
    *(
        _refused(f"a wrong digest: {header}", *_DIGEST, part('name="file"; filename="a.txt"', header))
        for header in (
            f"Content-Digest: sha-512=:{base64.b64encode(bytes(64)).decode()}:",
            f"Content-Digest: sha-256=:{_digest('sha256')}:, sha-512=:{base64.b64encode(bytes(64)).decode()}:",
            f"Digest: md5={base64.b64encode(bytes(16)).decode()}",
            f"Content-MD5: {base64.b64encode(bytes(16)).decode()}",
        )
    ),
    *(
        _refused(f"no digest: {header}", *_MISSING, part('name="file"; filename="a.txt"', header),
                 named=header.partition(":")[0])
        for header in ("Content-Digest: crc32c=:AAAA:", "Content-Digest: sha-512=:AAAA:", "Digest: crc32c=AAAA",
                       "Content-MD5: AAAA", "Digest: sha-256=*")
    ),
    _refused("cut in the closing delimiter", 400, "bad_request", FILE[:-1]),
]  # fmt: skip
"""What is refused, and why it would not have been done."""

CUT = {
    "without the closing delimiter": FILE,
    "with half of it": form(FILE).removesuffix(b"-\r\n"),
    "in the bytes": FILE[:-10],
}
"""Forms that end too early."""
