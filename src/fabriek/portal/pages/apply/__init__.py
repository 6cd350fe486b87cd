"""Pages to apply and to review: calls, applications, reviews."""
