"""Statistics: what the audit log says, added up as it is sealed, and exact at any moment."""
