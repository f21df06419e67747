"""The sources of the console: what is vendored, how large the first load is, what both languages say."""

import gzip
import hashlib
import json
import re
import subprocess
from base64 import b64encode

import pytest

from harness import ROOT
from tests.console.visitor import NODE_MODULES

STATIC = ROOT / "filewallball" / "console" / "static"
OWN = [path for path in sorted(STATIC.rglob("*.js")) if "vendor" not in path.parts]
FIRST_LOAD_BYTES = 100 * 1024


def vendored() -> list[dict[str, str]]:
    """What `vendored.json` says."""
    return list(json.loads((STATIC / "vendor" / "vendored.json").read_text()))


def test_vendored_files_are_those_of_their_packages() -> None:
    listed = {each["file"]: each for each in vendored()}
    present = {path.name for path in (STATIC / "vendor").iterdir() if path.is_file()} - {"vendored.json"}

    assert set(listed) == present
    for name, each in listed.items():
        content = (STATIC / "vendor" / name).read_bytes()
        package = NODE_MODULES / each["package"]
        assert hashlib.sha256(content).hexdigest() == each["sha256"], name
        assert content == (package / each["path"]).read_bytes(), name
        assert json.loads((package / "package.json").read_text())["version"] == each["version"], name
        assert all((STATIC / "vendor" / text).is_file() for text in each["licence_files"]), name


def first_load(page: str) -> set[str]:
    """The files that the first view needs: those of the page, and all that they import."""
    wanted = set(re.findall(r"\{\{ files \}\}([\w./]+)", page))
    wanted |= {"views/upload.js", "messages/en/common.js", "messages/en/upload.js"}
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        found.add(name)
        if name.endswith((".js", ".mjs")) and not name.startswith("vendor/"):
            text = (STATIC / name).read_text()
            imported = re.findall(r"""(?:^|\n)(?:import|export)[^;]*?from "(\.[^"]+)";""", text)
            wanted |= {
                str((STATIC / name).parent.joinpath(each).resolve().relative_to(STATIC.resolve()))
                for each in imported
            } - found
    return found


def test_the_first_load_is_small() -> None:
    page = (STATIC / "index.html").read_text()
    names = first_load(page)
    size = len(gzip.compress(page.encode(), 9)) + sum(
        len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names
    )

    assert {"vendor/standalone.module.js", "lib/api.js", "lib/uploads/queue.js", "style.css"} <= names
    assert size <= FIRST_LOAD_BYTES, size


def messages(language: str, view: str) -> dict[str, object]:
    """The messages of a view, as JavaScript reads them."""
    path = STATIC / "messages" / language / f"{view}.js"
    # Debian 12's Node takes a file for a module only by its name or a package.json.
    module = "data:text/javascript;base64," + b64encode(path.read_bytes()).decode()
    script = f"import({module!r}).then((found) => console.log(JSON.stringify(found.default)))"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], check=True, capture_output=True, timeout=60
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("view", sorted(path.stem for path in (STATIC / "messages" / "en").iterdir()))
def test_both_languages_say_the_same(view: str) -> None:
    english, korean = messages("en", view), messages("ko", view)

    assert set(english) == set(korean)
    for key, message in english.items():
        texts = message.values() if isinstance(message, dict) else [message]
        named = {name for text in texts for name in re.findall(r"\{(\w+)\}", str(text))}
        assert set(re.findall(r"\{(\w+)\}", str(korean[key]))) <= named, key


def test_every_message_that_is_named_exists() -> None:
    known = {
        f"{path.stem}.{key}"
        for path in (STATIC / "messages" / "en").iterdir()
        for key in messages("en", path.stem)
    }
    named = {
        (path.name, key)
        for path in OWN
        for key in re.findall(r'\bt\(\s*"([a-z]+\.[\w/*:-]+)"', path.read_text())
    }

    assert len(named) > 100
    assert [each for each in sorted(named) if each[1] not in known] == []


def test_every_view_is_a_short_file_and_has_its_words() -> None:
    for path in OWN:
        assert len(path.read_text().splitlines()) <= 300, path.name
    for view in (STATIC / "views").iterdir():
        assert (STATIC / "messages" / "en" / view.name).is_file(), view.name


def test_nothing_is_drawn_as_markup() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|dangerously"
    )

    assert [path.name for path in OWN if forbidden.search(path.read_text())] == []
