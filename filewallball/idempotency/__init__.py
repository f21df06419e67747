"""Idempotency keys: a creation that a client repeats under one key happens once, and is answered alike each time."""
