"""Connections, transactions and what differs between SQLite and MariaDB."""
