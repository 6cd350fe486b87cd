"""Pages of the reports that the law demands."""
