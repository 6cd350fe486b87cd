"""Portal: the pages. Views, templates, components, assets. Decides nothing."""
