"""Names and addresses that come from elsewhere."""

import pytest

from filewallball_client.errors import SettingsError
from filewallball_client.naming import read_reference, safe_name

FILE_ID = "8253cc81-0456-2b4d-36ff-8c653737409e"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.jpg", "photo.jpg"),
        ("한글 이름.txt", "한글 이름.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\r.txt", "r.txt"),
        (".bashrc", "_bashrc"),
        ("-rf", "_rf"),
        ("~root", "_root"),
        ("..", "_"),
        ("", "id"),
        ("a/", "id"),
        (" ", "id"),
        ("a\x00b\x1b[31m\x9bc\u202egpj.exe", "a_b_[31m_c_gpj.exe"),
        ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),
        ("\udcff.txt", "_.txt"),
    ],
)
def test_a_name_from_elsewhere_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name, "id") == safe


def test_a_long_name_still_fits_into_a_folder() -> None:
    assert len(safe_name("한" * 200, "id").encode()) <= 255


@pytest.mark.parametrize(
    ("text", "server"),
    [
        (FILE_ID, ""),
        (f"/download/{FILE_ID}", ""),
        (f"http://127.0.0.1:8000/download/{FILE_ID}", "http://127.0.0.1:8000"),
        (f"https://files.example.org/view/{FILE_ID}?utm_source=x#top", "https://files.example.org"),
        (f"https://example.org/files/files/{FILE_ID}/", "https://example.org/files"),
    ],
)
def test_a_file_is_named_by_its_id_or_by_any_of_its_addresses(text: str, server: str) -> None:
    assert read_reference(text) == (server, FILE_ID)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a/b",
        "http://[::1",
        "http://127.0.0.1/",
        "http://127.0.0.1/download/../files",
        f"file:///download/{FILE_ID}",
        f"ftp://127.0.0.1/download/{FILE_ID}",
        f"http://me:secret@127.0.0.1/download/{FILE_ID}",
        f"http://127.0.0.1/download/{FILE_ID}\x1b[31m",
    ],
)
def test_what_names_no_file_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_reference(text)

    assert str(caught.value).isprintable()
