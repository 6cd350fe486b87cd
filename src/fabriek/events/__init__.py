"""Events: training and meetings with sessions, seats, a waiting list in the order of time, and calendars of them."""
