"""The harness of tests and benchmarks: real servers, the command line, waiting, load."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The checkout that is tested or measured."""
