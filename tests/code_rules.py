"""Rules that linters cannot express, as functions over a syntax tree: each yields what breaks it, and where."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

# `Database.begin` is the one helper behind which the jobs commit. The bytes of an unfinished upload are no operation.
_COMMIT_PLACES = {
    "recording/operations.py",
    "database/connections.py",
    "database/driver_transaction.py",
    "database/prepared.py",
    "database/stock.py",
    "recording/shipper.py",
    "files/resumable/progress.py",
}
_COMMITTING = {"commit", "commit_unsynced", "begin", "autocommit"}

_READS_THE_ENVIRONMENT = {"filewallball/settings/loading.py", "filewallball_client/settings.py"}
_ENVIRONMENT = {"os.environ", "os.environb", "os.getenv"}

_WRITING_FOLDERS = {"storage", "recording", "audit", "backup", "counting", "observability", "serving"}
_WRITING_FILES = {"ops/rendering.py", "ops/commands.py", "filesystem.py"}
_WRITE_METHODS = {"write_text", "write_bytes", "touch", "unlink", "symlink_to", "hardlink_to"}
_WRITE_CALLS = {
    "os": {
        "write",
        "pwrite",
        "writev",
        "unlink",
        "remove",
        "rename",
        "replace",
        "link",
        "truncate",
        "ftruncate",
    },
    "shutil": {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move", "rmtree"},
    "tempfile": {"NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"},
}
_WRITE_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC", "O_TMPFILE"}


@dataclass(frozen=True)
class Module:
    """One source file, its path relative to the repository, and the modules whose jobs maintenance lists."""

    path: PurePosixPath
    text: str
    maintained: frozenset[str]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_package(self) -> bool:
        return self.path.parts[0] == "filewallball"

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] in ("harness", "tests")

    @property
    def inside(self) -> str:
        """The path inside the package: `files/views.py`."""
        return str(PurePosixPath(*self.path.parts[1:]))

    @property
    def folder(self) -> str:
        """The first folder inside the package, or nothing for a module at its top."""
        return self.path.parts[1] if len(self.path.parts) > 2 else ""


def read_modules(root: Path) -> list[Module]:
    """Every source file of the repository."""
    folders = ["filewallball", "filewallball_client", "harness", "tests", "benchmarks", "migrations"]
    found = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    found += [path for path in (root / "wsgi.py", root / "gunicorn.conf.py") if path.exists()]
    paths = {PurePosixPath(path.relative_to(root).as_posix()): path.read_text() for path in found}
    listing = paths.get(PurePosixPath("filewallball/serving/maintenance.py"), "")
    imported = {name for _, name in _imports(ast.parse(listing))}
    # `from package.module import job` lists the module.
    maintained = frozenset(imported | {name.rpartition(".")[0] for name in imported})
    return [Module(path, text, maintained) for path, text in paths.items()]


def commits_in_the_wrong_place(module: Module) -> Iterator[str]:
    """An operation commits, the journal's shipper commits, and so do the jobs that maintenance lists."""
    if not module.is_package or module.inside in _COMMIT_PLACES or _dotted(module.path) in module.maintained:
        return
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _COMMITTING
        ):
            yield f"{node.lineno}: calls {ast.unparse(node.func)}()"


def files_written_in_the_wrong_place(module: Module) -> Iterator[str]:
    """Few packages may change files."""
    if not module.is_package or module.folder in _WRITING_FOLDERS or module.inside in _WRITING_FILES:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _writes_a_file(node):
            yield f"{node.lineno}: {ast.unparse(node.func)}(...)"


def environment_read_outside_the_settings(module: Module) -> Iterator[str]:
    """Settings are read once, in one module of the service and one of the client."""
    if module.is_test or str(module.path) in _READS_THE_ENVIRONMENT:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in (
            "os.environ",
            "os.getenv",
            "os.environb",
        ):
            yield f"{node.lineno}: reads {ast.unparse(node)}"
    for line, name in _imports(module.tree):
        if name in _ENVIRONMENT:
            yield f"{line}: imports {name}"


def long_files(module: Module) -> Iterator[str]:
    """A file that needs more has two reasons to exist."""
    count = len(module.text.splitlines())
    if count > MAX_FILE_LINES:
        yield f"1: {count} lines"


def long_functions(module: Module) -> Iterator[str]:
    """A function fits on a screen."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MAX_FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {count} lines"


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _dotted(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _writes_a_file(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id == "open" and _opens_for_writing(call.args[1:], call.keywords)
    if not isinstance(call.func, ast.Attribute):
        return False
    owner, name = ast.unparse(call.func.value), call.func.attr
    if owner == "os" and name == "open":
        return any(isinstance(node, ast.Attribute) and node.attr in _WRITE_FLAGS for node in ast.walk(call))
    if name == "open" and owner != "os":
        return _opens_for_writing(call.args, call.keywords)
    return name in _WRITE_METHODS or name in _WRITE_CALLS.get(owner, ())


def _opens_for_writing(arguments: list[ast.expr], keywords: list[ast.keyword]) -> bool:
    given = [*arguments[:1], *(keyword.value for keyword in keywords if keyword.arg == "mode")]
    modes = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)
