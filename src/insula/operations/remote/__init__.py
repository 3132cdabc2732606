"""What the clients of a service need besides HTTP: patience, answers, and the cases of its hand-off queue."""
