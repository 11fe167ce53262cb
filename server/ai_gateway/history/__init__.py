"""What was, in all windows of a person together: each day, the last transitions of breakers, the last queries.

Nothing in here is needed before the first query has ended, so nothing imports it before.
"""
