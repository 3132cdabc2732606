"""Loss terms: further losses per row; training minimises the weighted sum of the objective and its terms."""
