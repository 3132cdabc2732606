"""Parts of the clients of a service besides HTTP: options, answers, and the cases of its hand-off queue."""
