"""Support: questions to a factory's experts, events and training with seats, the calendar."""
