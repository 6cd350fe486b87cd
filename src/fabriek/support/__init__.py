"""Support: questions to a factory's experts, each with the page and the thing that it was asked from."""
