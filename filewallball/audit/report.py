"""The findings of a verification, and the last one's result, kept on this host outside the database."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from filewallball.filesystem import replace_file

MAX_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one block; block 0 stands for rows that are in none."""

    block: int
    problem: str


@dataclass(slots=True)
class Report:
    """The result of one verification; `findings` are in block order, at most MAX_FINDINGS of blocks and as many of
    what is in none. `not_checked` says what could not be found out."""

    first_block: int = 0
    last_block: int = 0
    blocks: int = 0
    rows: int = 0
    unsealed: int = 0
    is_complete: bool = True
    finished_us: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        return not self.findings

    def found(self, block: int, problem: str) -> None:
        """Note a problem; beyond the limit only the first ones are kept."""
        if sum(bool(finding.block) == bool(block) for finding in self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(block, problem))


@dataclass(frozen=True, slots=True)
class LastVerification:
    """The last report on this host, and when the whole log was last found intact."""

    report: Report
    last_success_us: int


def save(path: Path, report: Report) -> None:
    """Keep a report; only an intact one of the whole log counts as a success."""
    before = load(path)
    success = before.last_success_us if before else 0
    if report.is_intact and report.is_complete:
        success = report.finished_us
    data = orjson.dumps({"last_success_us": success, "verdict": asdict(report)})
    replace_file(path, data, durable=True)


def load(path: Path) -> LastVerification | None:
    """The last report; None before the first, or where the file says nothing sensible."""
    try:
        data: dict[str, Any] = orjson.loads(path.read_bytes())
        values = data["verdict"]
        findings = [Finding(**finding) for finding in values.pop("findings")]
        report, success = Report(**values, findings=findings), int(data["last_success_us"])
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return LastVerification(report, success) if _kinds(report) == _kinds(Report()) else None


def _kinds(report: Report) -> list[type]:
    return [type(getattr(report, each.name)) for each in fields(report)]
