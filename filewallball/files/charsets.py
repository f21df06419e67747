"""The character sets that forms are read in: those that browsers send, by the names that they use."""

_SELF_NAMED = (
    *("euc-jp", "gb18030", "big5", "koi8-r", "koi8-u"),
    *(f"iso-8859-{number}" for number in (*range(1, 12), *range(13, 17))),
    *(f"windows-{number}" for number in range(1250, 1259)),
)
_CODECS = {
    **{name: name for name in _SELF_NAMED},
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "windows-949", "cp949"), "cp949"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "windows-31j", "cp932"), "cp932"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    "latin1": "iso-8859-1",
}


def codec_of(charset: str) -> str | None:
    """Python's codec for a character set, if it is one of these: others may be no text, or costly."""
    return _CODECS.get(charset.strip().strip('"').lower())
