"""Pages for everybody: what this is, what there is, what one can get."""
