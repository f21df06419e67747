"""Users, tokens and what each role may do."""
