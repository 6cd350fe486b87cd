"""What the portal's components are made of: amounts and states as text, questions of forms, plots, assets.

The tags of ``portal/templatetags/fabriek.py`` show these; views build plots with ``components.plots``.
"""
