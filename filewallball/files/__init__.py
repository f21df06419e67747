"""Files as callers see them: received, described, delivered, deleted."""
