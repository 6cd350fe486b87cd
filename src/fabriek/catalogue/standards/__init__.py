"""The standards that entries are said and read in. Each is a pair of pure functions: from a Record, and to one."""
