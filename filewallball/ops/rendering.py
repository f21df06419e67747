"""Configuration files of the programs around the service: each a function of the settings, written or compared."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from filewallball.settings.service import Settings

_HEAD = "# Written by `filewallball ops render`: change the environment it reads, not this file.\n"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file: where it goes below the output folder, and its text under the settings that want it."""

    path: str
    text: Callable[[Settings], str]
    mode: int = 0o644
    wanted: Callable[[Settings], bool] = lambda settings: True


def write(artifacts: Iterable[Artifact], settings: Settings, folder: Path) -> Iterator[Path]:
    """Write every artifact below `folder`; what it may hold secrets of was never readable by others."""
    for artifact in _wanted(artifacts, settings):
        path = folder / artifact.path
        _make_folders(path.parent)
        path.touch(artifact.mode)
        path.chmod(artifact.mode)
        path.write_text(artifact.text(settings))
        yield path


def _make_folders(folder: Path) -> None:
    """Make a folder that the programs around the service can enter, whatever the umask."""
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def stale(artifacts: Iterable[Artifact], settings: Settings, folder: Path) -> Iterator[Path]:
    """The files that are missing or differ from what would be written now."""
    for artifact in _wanted(artifacts, settings):
        path = folder / artifact.path
        if not path.is_file() or path.read_text() != artifact.text(settings):
            yield path


def _wanted(artifacts: Iterable[Artifact], settings: Settings) -> Iterator[Artifact]:
    return (artifact for artifact in artifacts if artifact.wanted(settings))


def yaml_text(content: dict[str, Any]) -> str:
    """`content` as a YAML file, in its own order."""
    return _HEAD + yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=10_000
    )


class _Dumper(yaml.SafeDumper):
    """Lists indented below their keys; a value that stands in two places is written twice."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Text of several lines as the lines that it is."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _Dumper.represent_text)
