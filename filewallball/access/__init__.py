"""Users, tokens and what each role may do."""

from filewallball.access.quotas import Quotas, refund

__all__ = ["Quotas", "refund"]
