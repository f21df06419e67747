"""The words for a browser where a file cannot be had, in the languages of the console."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A heading and a sentence below it."""

    title: str
    text: str


_GONE = {
    "not_found": "missing",
    "expired": "expired",
    "link_expired": "link_expired",
    "link_revoked": "link_revoked",
    "link_used_up": "link_used_up",
    "ticket_expired": "ticket_expired",
    "quarantined": "quarantined",
    "infected_file": "quarantined",
    "scan_pending": "scan_pending",
    "rate_limited": "rate_limited",
    "blocked": "forbidden",
    "forbidden": "forbidden",
    "link_password_required": "password",
    "link_password_wrong": "password",
    "link_unconfirmed": "confirm",
}

_TEXTS: Mapping[str, Mapping[str, Text]] = {
    "en": {
        "missing": Text(
            "There is no such file",
            "The link may be mistyped, or the file was deleted. A private file opens after signing in.",
        ),
        "expired": Text(
            "This file has expired", "It was kept until a date that its owner chose, and is gone for good."
        ),
        "link_expired": Text("This link has expired", "Ask whoever sent it for a new one."),
        "link_revoked": Text(
            "This link was revoked", "Its owner ended it. Ask for a new one if you still need the file."
        ),
        "link_used_up": Text(
            "This link is used up",
            "It was good for a limited number of downloads. Ask whoever sent it for a new one.",
        ),
        "ticket_expired": Text(
            "This address has expired",
            "Such addresses are good for some minutes. Open the file once more from its link.",
        ),
        "quarantined": Text(
            "This file is in quarantine", "It is not served until an administrator has looked at it."
        ),
        "scan_pending": Text(
            "This file is being checked", "It is served as soon as it was scanned. Try again in a minute."
        ),
        "rate_limited": Text("Too many requests", "Wait for {seconds} seconds and try again."),
        "auth": Text("This file needs you to sign in", "Open it in the console with your access token."),
        "forbidden": Text("You may not have this file", "Ask whoever runs the service if you should."),
        "password": Text("This link asks for a password", "Whoever sent the link knows it."),
        "confirm": Text(
            "Download the file?",
            "This link is good for a limited number of downloads. This uses one of them.",
        ),
        "fault": Text(
            "The file cannot be had right now", "The fault is the service's. Try again in a moment."
        ),
    },
    "ko": {
        "missing": Text(
            "파일을 찾을 수 없습니다",
            "주소가 잘못되었거나 삭제된 파일입니다. 비공개 파일은 로그인한 뒤에 열 수 있습니다.",
        ),
        "expired": Text("만료된 파일입니다", "소유자가 정한 보관 기간이 지나 삭제되었습니다."),
        "link_expired": Text("만료된 링크입니다", "링크를 보낸 사람에게 새 링크를 요청하세요."),
        "link_revoked": Text(
            "폐기된 링크입니다", "소유자가 링크를 폐기했습니다. 파일이 필요하면 새 링크를 요청하세요."
        ),
        "link_used_up": Text(
            "사용 횟수가 끝난 링크입니다",
            "정해진 횟수만큼 내려받았습니다. 링크를 보낸 사람에게 새 링크를 요청하세요.",
        ),
        "ticket_expired": Text(
            "만료된 주소입니다", "이 주소는 몇 분 동안만 유효합니다. 링크에서 파일을 다시 여세요."
        ),
        "quarantined": Text("격리된 파일입니다", "관리자가 확인할 때까지 제공하지 않습니다."),
        "scan_pending": Text(
            "파일을 검사하고 있습니다", "검사가 끝나면 바로 받을 수 있습니다. 잠시 뒤에 다시 시도하세요."
        ),
        "rate_limited": Text("요청이 너무 많습니다", "{seconds}초 뒤에 다시 시도하세요."),
        "auth": Text("로그인이 필요한 파일입니다", "액세스 토큰으로 콘솔에서 여세요."),
        "forbidden": Text("받을 수 없는 파일입니다", "필요하다면 서비스 운영자에게 문의하세요."),
        "password": Text("비밀번호가 필요한 링크입니다", "링크를 보낸 사람이 비밀번호를 알고 있습니다."),
        "confirm": Text(
            "파일을 내려받을까요?",
            "내려받을 수 있는 횟수가 정해진 링크입니다. 지금 내려받으면 한 번 사용한 것이 됩니다.",
        ),
        "fault": Text(
            "지금은 파일을 받을 수 없습니다", "서비스에 문제가 있습니다. 잠시 뒤에 다시 시도하세요."
        ),
    },
}

LANGUAGES = tuple(_TEXTS)

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "password": "Password",
        "open": "Download",
        "wrong": "This is not the password.",
        "busy": "Too many attempts. Wait a minute and try again.",
        "failed": "That did not work. Try again.",
        "no_script": "The download is begun by a script, and this browser runs none.",
        "console": "Open the console",
        "again": "Try again",
        "request": "Request",
    },
    "ko": {
        "password": "비밀번호",
        "open": "내려받기",
        "wrong": "비밀번호가 맞지 않습니다.",
        "busy": "시도가 너무 많습니다. 잠시 기다렸다가 다시 시도하세요.",
        "failed": "문제가 생겼습니다. 다시 시도하세요.",
        "no_script": "내려받기에는 스크립트가 필요하지만 이 브라우저에서는 실행되지 않습니다.",
        "console": "콘솔 열기",
        "again": "다시 시도",
        "request": "요청",
    },
}


def kind_of(code: str, status: int) -> str:
    """The kind of page for an error."""
    if code in _GONE:
        return _GONE[code]
    if status in (401, 403):
        return "auth"
    return "fault" if status >= 500 else "missing"


def text_of(kind: str, language: str) -> Text:
    """The words of such a page."""
    return _TEXTS[language][kind]


def words_of(language: str) -> Mapping[str, str]:
    """The labels of every page."""
    return _WORDS[language]
