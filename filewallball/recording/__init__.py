"""One operation, one event: the journal, the audit rows and the shipper that brings one to the other."""
