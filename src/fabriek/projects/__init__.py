"""Projects: what was awarded. Projects, their members and their allocations."""
