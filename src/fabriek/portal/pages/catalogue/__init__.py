"""Pages of the catalogue: finding, describing, curating."""
