"""The charset that a text is declared to be in: the one it is in, or none."""

import codecs
import io

import pytest

from filewallball.files.text_charset import charset_of

KOREAN = "안녕하세요. 이번 달 매출 보고서를 보내 드립니다. 확인 후 회신 부탁드립니다.\n서울특별시 강남구\n"
KOREAN_CSV = "이름,부서,금액\n김철수,영업부,1200000\n이영희,개발팀,3400000\n박민수,인사과,980000\n"
JAPANESE = (
    "いつもお世話になっております。今月の売上報告書をお送りします。\n東京都千代田区、カタカナも含みます。\n"
)
FRENCH = "Déjà vu: l'été dernier, à la forêt, nous avons mangé des crêpes près du château. Où êtes-vous?\n"
GERMAN = "Größere Übungen für die Straße: schöne Grüße aus München, bitte überprüfen Sie die Maßnahmen.\n"
QUOTES = "“Smart quotes” — costs €5 … naïve café\n"
RUSSIAN = "Здравствуйте! Отправляем вам отчёт о продажах за этот месяц. Пожалуйста, подтвердите получение.\n"
CHINESE = "您好，附件是本月的销售报告，请查收并确认。北京市朝阳区建国路。谢谢。\n"
GREEK = "Καλημέρα σας, σας στέλνουμε την αναφορά πωλήσεων του μήνα. Ευχαριστούμε πολύ.\n"
POLISH = "Zażółć gęślą jaźń. Proszę o potwierdzenie otrzymania miesięcznego raportu sprzedaży.\n"


def log(message: str, count: int = 28) -> str:
    return "".join(f"2026-01-01 12:00:{n % 60:02d} ERROR worker[{n}] {message}\n" for n in range(count))


LOG_KOREAN, LOG_GERMAN = (
    log("파일을 열 수 없습니다: 보고서"),
    log("Datei konnte nicht geöffnet werden: Prüfung"),
)
LOG_JAPANESE = log("ファイルを開けません: 報告書")


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        (KOREAN, "cp949", "euc-kr"),
        (KOREAN, "euc-kr", "euc-kr"),
        (KOREAN, "utf-8", "utf-8"),
        (KOREAN, "utf-8-sig", "utf-8"),
        (codecs.BOM_UTF16_LE.decode("utf-16-le") + KOREAN, "utf-16-le", "utf-16le"),
        (codecs.BOM_UTF16_BE.decode("utf-16-be") + KOREAN, "utf-16-be", "utf-16be"),
        (KOREAN, "utf-16-le", ""),
        (KOREAN, "utf-16-be", ""),
        (KOREAN, "utf-32", ""),
        (KOREAN * 2000, "cp949", "euc-kr"),
        (KOREAN * 2000, "utf-8", "utf-8"),
        (KOREAN.replace("\n", " ") * 2000, "cp949", "euc-kr"),
        (KOREAN_CSV, "cp949", "euc-kr"),
        (LOG_KOREAN, "cp949", "euc-kr"),
        (log("started", 800) + LOG_KOREAN, "cp949", "euc-kr"),
        ("a" * 10_000 + KOREAN, "cp949", ""),
        ("한글 메모", "cp949", ""),
        ("한글 메모", "utf-8", "utf-8"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE * 2000, "cp932", "shift_jis"),
        (LOG_JAPANESE, "cp932", ""),
        (JAPANESE, "euc_jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", ""),
        ("日本語メモ\n", "cp932", "shift_jis"),
        ("日本語メモ\n", "euc_jp", ""),
        (FRENCH, "latin-1", "windows-1252"),
        (GERMAN, "latin-1", "windows-1252"),
        (QUOTES, "cp1252", "windows-1252"),
        (LOG_GERMAN, "latin-1", "windows-1252"),
        ("café\n", "latin-1", ""),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8_r", "koi8-r"),
        ("Привет\n", "cp1251", ""),
        (CHINESE, "gb18030", "gb18030"),
        (GREEK, "cp1253", ""),
        (POLISH, "cp1250", ""),
        ("<script>alert(1)</script> 한글", "utf-7", "utf-8"),
        ("plain\n", "ascii", "utf-8"),
        ("", "ascii", "utf-8"),
    ],
)
def test_a_text_is_declared_to_be_in_its_charset_or_in_none(text: str, encoding: str, declared: str) -> None:
    content = text.encode(encoding)

    assert charset_of(io.BytesIO(content), "text/plain") == declared
    if declared:
        assert content.decode(declared).lstrip("\ufeff") == text.lstrip("\ufeff") or encoding == "utf-7"


@pytest.mark.parametrize("lead", range(4))
def test_a_character_that_the_looked_at_beginning_cuts_in_two_changes_nothing(lead: int) -> None:
    content = b"a" * lead + ("한" * 40_000).encode()

    assert charset_of(io.BytesIO(content), "text/plain") == "utf-8"


@pytest.mark.parametrize("media_type", ["text/html", "text/xml", "text/css", "text/javascript"])
@pytest.mark.parametrize("encoding", ["cp949", "cp932", "iso2022_jp", "utf-16", "koi8_r"])
def test_markup_is_declared_utf_8_or_nothing(media_type: str, encoding: str) -> None:
    content = (JAPANESE + RUSSIAN).encode(encoding, "ignore")

    assert charset_of(io.BytesIO(content), media_type) in ("", "utf-8")


@pytest.mark.parametrize(
    "claim", [b"# -*- coding: utf-7 -*-", b"<meta charset=utf-7>", b"charset=iso-2022-jp"]
)
def test_what_a_text_says_about_its_charset_counts_for_nothing(claim: bytes) -> None:
    assert charset_of(io.BytesIO(claim + b"\n" + GERMAN.encode("latin-1")), "text/plain") == "windows-1252"
