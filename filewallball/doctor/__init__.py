"""The checklist before a deployment."""
