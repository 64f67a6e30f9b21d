"""One row for each attempt, in SQL: never changed, counted twice, and proven."""
