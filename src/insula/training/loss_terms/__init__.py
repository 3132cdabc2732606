"""What training minimises: a weighted sum of terms, each a loss per row."""
