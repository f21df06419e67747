"""Alembic's environment: the app's own engine and models, one transaction a migration."""

from alembic import context

from filewallball.database.metadata import whole_metadata
from filewallball.database.tables import db


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=whole_metadata(),
            render_as_batch=True,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
