"""Inspection of a file: its type and what is suspicious of it, judged by its bytes."""
