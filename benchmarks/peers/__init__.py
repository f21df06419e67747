"""This service beside others that take and give files, by turns in one run; `python -m benchmarks.peers`."""
