"""Routing: rules that decide which messages a person must see, in which queue and how soon."""
