"""However clients vary paths, methods, names, types and addresses, labels stay in the sets of the contract."""

import random
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.observability import vocabulary as words
from filewallball.observability.contract import BY_NAME, CONTRACT
from filewallball.observability.metric import HISTOGRAM
from tests.observability.scrape import Samples, samples_of

pytestmark = pytest.mark.soak
_SETS = {
    "method": set(words.METHODS),
    "file_type": set(words.MEDIA_TYPES),
    "error_type": set(words.ERROR_CODES),
    "action": set(words.ACTIONS),
    "failure_type": set(words.AUTH_FAILURES.values()),
}
_LETTERS = "abcdefghijklmnopqrstuvwxyzé한/%.-_ \\\"'\x7f"


def test_made_up_requests_add_no_series_beyond_the_contract(
    app: Flask, client: FlaskClient, rounds: Callable[[int, int], int]
) -> None:
    chance = random.Random(11)
    for _ in range(rounds(1500, 100_000)):
        make_up(chance, client)
    samples = samples_of(client.get("/metrics").get_data(as_text=True))
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    sets = {**_SETS, "endpoint": rules | {"other"}, "url_rule": rules | {"None"}}
    for name, labels in samples:
        for label, value in labels:
            assert value in sets.get(label, {value}), (name, label)
    assert len(clients(samples)) <= words.MAX_CLIENTS + 1
    for metric in CONTRACT:
        assert lines_of(samples, metric.name) <= metric.worst_case, metric.name


def make_up(chance: random.Random, client: FlaskClient) -> None:
    """One request that nobody would send twice."""
    headers = {"User-Agent": text(chance), "X-Forwarded-For": text(chance), "Content-Type": text(chance)}
    address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
    kind = chance.randrange(4)
    path = f"/{'upload/' if kind == 0 else 'x'}{quote(text(chance))}"
    method = (
        "PUT"
        if kind == 0
        else "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_19", k=chance.randrange(3, 21)))
    )
    if kind == 1:
        path = chance.choice(["/files", "/upload", "/download/x", "/health", "/metrics"])
    content = chance.randbytes(chance.randrange(40))
    client.open(path, method=method, data=content, headers=headers, environ_base={"REMOTE_ADDR": address})


def text(chance: random.Random) -> str:
    return "".join(chance.choices(_LETTERS, k=chance.randrange(1, 30))).encode().decode("latin-1")


def clients(samples: Samples) -> set[str]:
    return {value for _, labels in samples for label, value in labels if label == "client_ip"}


def lines_of(samples: Samples, metric: str) -> int:
    return sum(name in BY_NAME[metric].sample_names for name, _ in samples)


def test_every_sample_belongs_to_the_contract(client: FlaskClient) -> None:
    client.get("/files")
    known = {name for metric in CONTRACT for name in metric.sample_names}
    samples = samples_of(client.get("/metrics").get_data(as_text=True))
    assert {name for name, _ in samples} == known - set(without_samples())


def without_samples() -> Iterator[str]:
    """Samples that come only with what they count: a histogram without preset labels has none at first."""
    yield from ("client_last_upload_age_seconds", "client_expected_within_seconds")  # nobody is declared
    yield from ("user_transferred_bytes", "user_operations", "user_quota_used_ratio")  # no user did a thing
    for metric in CONTRACT:
        if metric.labels and not metric.preset and not metric.scraped and metric.kind != HISTOGRAM:
            yield metric.name
