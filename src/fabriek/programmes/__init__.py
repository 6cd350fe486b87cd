"""Programmes: what is promised. Pillars, programmes, shares, floors, baselines, caps."""
