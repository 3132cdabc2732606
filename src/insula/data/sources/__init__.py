"""Find and open sources of rows: files, folders, built-in data sets, the hub."""
