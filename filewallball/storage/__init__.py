"""The bytes of files: staged, published under a name never reused, opened, removed."""
