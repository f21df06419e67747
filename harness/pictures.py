"""Takes the pictures of the console for the documentation: `python -m harness.pictures docs/images`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import ROOT
from harness.samples import ADMIN_TOKEN, UPLOADS, Samples, fill
from harness.servers import Browser, Service
from harness.waiting import wait_until

_VIEWS = ROOT / "filewallball" / "console" / "static" / "views"
_SETTLED = (
    "return Boolean(document.querySelector('main h1, main .state')) && "
    "!document.querySelector('.skeleton, .loaded[aria-busy=true]') && "
    "[...document.images].every((image) => image.complete) && "
    "[...document.querySelectorAll('.thumbnail[data-awaited=true]')]"
    ".every((each) => each.getBoundingClientRect().top > innerHeight)"
)


@dataclass(frozen=True)
class Picture:
    """One picture: its file name, the view, who looks at it and how."""

    name: str
    path: str
    user: str = "mina"
    locale: str = "en"
    theme: str = "light"
    width: int = 1440
    height: int = 900


def pictures(samples: Samples) -> list[Picture]:
    """Every view once; a dark, a Korean and a narrow one among them."""
    file = f"files/{samples.files[4]['file_id']}"
    return [
        Picture("console-upload", ""),
        Picture("console-files", "files"),
        Picture("console-file", file, theme="dark"),
        Picture("console-files-ko", "files", locale="ko"),
        Picture("console-links", "links"),
        Picture("console-new-link", f"links?new=1&file_id={samples.files[4]['file_id']}"),
        Picture("console-phone", "files", width=390, height=844),
        *(
            Picture(f"console-{view}", view, user="admin")
            for view in ("overview", "audit", "health", "security", "access")
            if (_VIEWS / f"{view}.js").is_file()
        ),
    ]


def take(folder: Path) -> None:
    """Start a service with samples and take every picture into the folder; of views that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="filewallball-pictures-") as scratch:
        service = Service(Path(scratch) / "service", {"ADMIN_TOKEN": ADMIN_TOKEN}).start()
        browser = Browser(Path(scratch) / "browser").start()
        try:
            samples = fill(service)
            for picture in pictures(samples):
                _take(service, browser, samples, picture, folder / f"{picture.name}.png")
        finally:
            browser.stop()
            service.kill()


def _take(service: Service, browser: Browser, samples: Samples, picture: Picture, target: Path) -> None:
    browser.resize(picture.width, picture.height)
    browser.visit(f"{service.url}/console/assets/none")
    browser.evaluate(
        "sessionStorage.setItem('fwb.token', arguments[0]); localStorage.setItem('fwb.locale', arguments[1]); "
        "localStorage.setItem('fwb.theme', arguments[2])",
        *(samples.tokens[picture.user], picture.locale, picture.theme),
    )
    browser.visit(f"{service.url}/console/{picture.path}")
    wait_until(lambda: browser.evaluate(_SETTLED), 60, f"{picture.name} has settled")
    if picture.path == "":
        _upload(browser)
    browser.evaluate("return new Promise((done) => setTimeout(done, 700))")  # pictures and charts are drawn
    target.write_bytes(browser.screenshot())


def _upload(browser: Browser) -> None:
    with TemporaryDirectory(prefix="filewallball-upload-") as scratch:
        for name, content in UPLOADS.items():
            (Path(scratch) / name).write_bytes(content)
        browser.type("input[name=files]", "\n".join(str(path) for path in sorted(Path(scratch).iterdir())))
        done = "return document.querySelectorAll('.transfer[data-state=done]').length"
        wait_until(lambda: browser.evaluate(done) == len(UPLOADS), 60, "the uploads are done")


if __name__ == "__main__":
    take(Path(sys.argv[1]))
