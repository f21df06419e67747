"""The metric files of all processes of a host, one for each worker slot, and their merging."""
