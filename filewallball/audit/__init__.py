"""The audit log: journal, trail, and what reads them."""
