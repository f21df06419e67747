"""A hook of mkdocs: pages below docs/ko/ say that they are in Korean."""

from typing import Any


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """The page with its language in the tag `html`, which screen readers and browsers go by."""
    if page.file.src_uri.startswith("ko/"):
        return output.replace('<html lang="en"', '<html lang="ko"', 1)
    return output
