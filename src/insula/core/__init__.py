"""Types and tools that every room uses: examples, predictions, label schemes, registry, errors, files."""
