"""People: persons, organisations and their class, roles, tokens."""
