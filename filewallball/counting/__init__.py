"""Counting clients' requests: in Redis, in a file that the processes of one host share, or in one process."""
