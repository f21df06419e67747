"""Backups: a consistent snapshot of the database, the bytes that it names, and the way back."""
