"""Links to single files, the passwords and limits on them, and tickets by which a browser fetches private files."""
