"""Train, validation and test: drawn, stratified, and guarded against leaks and near-duplicates."""
