"""The routes of the API, one group in each file."""
