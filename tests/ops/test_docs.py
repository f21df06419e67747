"""What the documentation names exists: commands, settings, files, and the parts of the log shipper's example."""

import re
from collections.abc import Iterator

import click
import pytest
import yaml

from filewallball.backup.after import TOLD
from filewallball.cli import main
from filewallball.settings.loading import documented, load_settings
from harness import ROOT

PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md"))
# Of other programs and of the client, and the guide's table of alert conditions.
OTHER_VARIABLES = {"SUDO_USER", "DOAS_USER", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "ALERT_RULES"} | {
    *("XDG_CONFIG_HOME", "XDG_STATE_HOME", "FWB_SERVER", "FWB_TOKEN", "FWB_TOKEN_FILE", "FWB_DELETE_TOKEN")
}
WITH_COMMANDS = ["docs/deploy.md", "docs/operations.md", "docs/audit.md", "docs/backup.md", "docs/access.md"]
_COMMAND = re.compile(r"(?:^|bin/)filewallball ((?:[a-z][a-z-]+ ?)+)", re.MULTILINE)
_FILE = re.compile(r"\b((?:ops|(?<!/)docs)/[\w./-]+\w)")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*(?:/|\.(?:cfg|in|json|md|py|toml|txt|yml))")
_MODULE = re.compile(r"(?:filewallball|harness|tests)(?:\.\w+)+")
CONTRIBUTORS_PAGES = ["docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"]


def commands(text: str) -> Iterator[list[str]]:
    """The words after `filewallball` in code."""
    code = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    for piece in code:
        for found in _COMMAND.findall(piece):
            yield found.split()


def paths(text: str) -> Iterator[str]:
    """The names between backticks that look like a path or a module of the project."""
    for name in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if _PATH.fullmatch(name):
            yield name
        elif _MODULE.fullmatch(name):
            yield name.replace(".", "/") + ".py"


def anchors(text: str) -> set[str]:
    """What a `#` and its name can lead to: each heading in lower case, words joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(name: str) -> bool:
    """True if it is in the repository, or below the package; without a folder, in any part of the package."""
    pattern = name.rstrip("/")
    if "/" not in name and any((ROOT / "filewallball").glob(f"*/{pattern}")):
        return True
    return any(any(folder.glob(pattern)) for folder in (ROOT, ROOT / "filewallball"))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists(page: str) -> None:
    seen = list(commands((ROOT / page).read_text()))
    assert len(seen) >= 5 or page not in WITH_COMMANDS
    for words in seen:
        found: click.Command = main
        while isinstance(found, click.Group) and words:
            called = found.get_command(click.Context(found), words[0])
            assert called is not None, f"filewallball {words}"
            found, words = called, words[1:]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in CONTRIBUTORS_PAGES])
def test_every_file_and_setting_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    known = {name for name, _, _ in documented()} | OTHER_VARIABLES

    assert [name for name in _FILE.findall(text) if not is_there(name)] == []
    named = set(re.findall(r"`([A-Z][A-Z]+(?:_[A-Z]+)+)`", text))
    assert named - known - set(TOLD) == set()


def test_every_path_and_module_that_contributors_read_of_exists() -> None:
    found = {page: set(paths((ROOT / page).read_text())) for page in CONTRIBUTORS_PAGES}

    assert len(found["docs/architecture.md"]) > 100
    assert {name for names in found.values() for name in names if not is_there(name)} == set()


@pytest.mark.parametrize("page", sorted({*PAGES, *CONTRIBUTORS_PAGES, "README.md", "README.ko.md"}))
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", (ROOT / page).read_text())
    here = (ROOT / page).parent

    assert links or page not in {*CONTRIBUTORS_PAGES, "README.md", "README.ko.md"}
    assert [target for target, _ in links if not (here / target).exists()] == []
    for target, anchor in links:
        other = here / target if target else ROOT / page
        assert not anchor or anchor in anchors(other.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_the_readme_stays_short(page: str) -> None:
    assert len((ROOT / page).read_text().splitlines()) <= 200


def test_the_environment_of_the_walk_through_is_accepted() -> None:
    text = (ROOT / "docs/deploy.md").read_text()
    block = next(
        each for each in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if each.startswith("DATA_DIR=")
    )
    environ = dict(line.split("=", 1) for line in block.splitlines())
    settings = load_settings(environ)

    assert environ.keys() <= {name for name, _, _ in documented()}
    assert "#" not in block, "systemd takes a comment behind a value for a part of it"
    assert settings.x_accel
    assert settings.trusted_proxies


def test_the_log_shippers_parts_fit_together() -> None:
    example = yaml.safe_load((ROOT / "ops/logging/vector.yaml").read_text())
    names = example["sources"].keys() | example["transforms"].keys()
    read = {
        name for part in ("transforms", "sinks") for each in example[part].values() for name in each["inputs"]
    }
    shipped = {path for source in example["sources"].values() for path in source["include"]}
    written = load_settings({"DATA_DIR": "/var/lib/filewallball"}).log_file

    assert read == names
    assert shipped == {str(written), "/var/log/nginx/filewallball.log"}
