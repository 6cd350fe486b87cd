"""The routes, by subject. They call rooms and shape answers; they decide nothing."""
