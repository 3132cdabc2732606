"""Split rows into train, validation and test: stratified, without leaks and near-duplicates."""
