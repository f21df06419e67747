"""Requests that the proxy refused before the service saw them, put on record like any other refusal."""
