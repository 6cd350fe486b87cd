"""Pages to ask a factory's experts, and to answer."""
