"""Loss terms: training minimises their weighted sum, each term a loss per row."""
