from fabriek.allocation.schema import write

write()
