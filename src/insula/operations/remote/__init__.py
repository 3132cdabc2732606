"""Parts of the clients of a service besides HTTP: patience, answers, and the cases of its hand-off queue."""
