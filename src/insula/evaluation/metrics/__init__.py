"""Gold and predictions in, numbers out, with intervals."""
