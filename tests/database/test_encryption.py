"""Connections to MariaDB are encrypted wherever DATABASE_URL asks for it, in whichever words."""

import pytest
from sqlalchemy import create_engine

from filewallball.database.engines import dialect_of
from filewallball.settings.loading import load_settings


@pytest.mark.parametrize(
    "asked",
    ["ssl_ca=/etc/ca.pem", "ssl_capath=/etc/ssl/certs", "ssl_cert=/etc/own.pem", "ssl_verify_cert=true"],
)
def test_no_option_that_asks_for_encryption_is_passed_over(asked: str) -> None:
    assert not _is_plain(f"mysql+pymysql://u:p@db.files.test/d?{asked}&charset=utf8mb4")


def test_without_one_no_tls_is_prepared() -> None:
    assert _is_plain("mysql+pymysql://u:p@db.files.test/d?charset=utf8mb4")


def _is_plain(url: str) -> bool:
    """True if the driver is told to do without TLS."""
    options, _ = dialect_of("mysql").engine_options(load_settings({"DATABASE_URL": url}))
    engine = create_engine(url, **options)
    _, told = engine.dialect.create_connect_args(engine.url)
    return bool({**told, **options["connect_args"]}.get("ssl_disabled"))
