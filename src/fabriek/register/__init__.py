"""Register: what exists. Factories, sites, systems, partitions, capacity, legal status."""
