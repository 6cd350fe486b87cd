"""Recipes: batch templates with typed parameters, what they will take, and what they made with its lineage.

`recipe`, `parameters`, `estimates`, `rendering`, `result_file` and the programs know no web framework; `book/` holds
the recipes themselves.
"""
