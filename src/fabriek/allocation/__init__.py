"""The decision: a problem in, a plan with its certificate out. Pure: no web framework, no database.

The contracts are the formats `fabriek/problem/1` and `fabriek/plan/1` (JSON Schemas in `schema/`); the model is told in
`docs/explanation/allocation.md`.
"""
