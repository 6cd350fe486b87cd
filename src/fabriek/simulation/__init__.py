"""What a policy does to who waits, before it is made: a trace and a machine in, a schedule out.

Pure: arrays in, arrays out; no web framework, no database, no other room. The rules that a schedule keeps are told in
`docs/reference/simulation.md`.
"""
