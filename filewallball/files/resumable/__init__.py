"""Resumable uploads (tus 1.0.0): a file that arrives in several requests, whatever becomes of each of them."""
