"""Engines that run jobs, the agent that looks after one at a site, and the formats in which schedulers account.

Pure: knows no web framework and no other room, so that it installs and runs alone on a login node.
"""
