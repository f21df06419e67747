"""Where bytes rest: staged, published under a name never reused, opened, removed."""
