"""Links, and the claims that downloads by them open."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from filewallball.database.columns import code_type, key_type, name_type
from filewallball.database.metadata import metadata

links = Table(
    "links",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("link_id", code_type(32), unique=True, nullable=False),
    Column("file_id", code_type(36), nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("name", name_type(255), nullable=False),
    Column("secret_digest", code_type(64), nullable=False),
    Column("password_hash", code_type(255), nullable=False),
    Column("one_time", Integer, nullable=False),
    Column("max_downloads", BigInteger),
    Column("downloads", BigInteger, nullable=False),
    Column("created_by", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("ended_us", BigInteger),
    Index("ix_links_file", "file_id", "id"),
    Index("ix_links_owner", "owner_id", "id"),
    Index("ix_links_ended", "ended_us", "id"),
)
"""A link to a file. `owner_id` is the file's owner, `downloads` the number of claims ever opened, `ended_us` when it
was first known that the link leads nowhere any more. `password_hash` is empty without a password (`passwords`)."""

link_claims = Table(
    "link_claims",
    metadata,
    Column("link_id", code_type(32), primary_key=True),
    Column("network", code_type(64), primary_key=True),
    Column("etag", code_type(64), primary_key=True),
    Column("until_us", BigInteger, nullable=False),
    Index("ix_link_claims_until", "until_us"),
)
"""The right of a client network to fetch further parts of a file that it began to download by a link."""
