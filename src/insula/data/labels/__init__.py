"""Read labels: the label columns, their cells, the scheme inferred from them."""
