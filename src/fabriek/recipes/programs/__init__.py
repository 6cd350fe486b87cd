"""What recipes run: Python programs that a batch script carries with it to the site, as the package `fabriek_recipe`.

They run in the job's environment, under the job's Python, which has PyTorch where the recipe needs it; the platform
never imports them. `records`, `settings` and `texts` need the standard library alone; `notebook` starts what the
environment has.
"""
