"""The audit log: sealing, verifying, listing, exporting and pruning its rows."""
