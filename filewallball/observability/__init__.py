"""Observability: metrics, request log and the process slots that both rest on."""
