"""Models over HTTP: routes and pages, access control, micro-batches, limits, and a clear 429 under too much load."""
