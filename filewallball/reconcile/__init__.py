"""Comparisons between the ledgers: statistics, audit log, files, disk and metrics."""
