"""Pages of events: looking, coming along, organising."""
