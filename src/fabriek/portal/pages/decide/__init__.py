"""Pages to decide and operate: decisions, programmes, operations, people, audit."""
