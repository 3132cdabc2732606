"""Numbers for people: the report, model cards, comparison and search pages."""
