"""Read and write files of rows: one module per format, encodings, remote files."""
