"""One plain function a verb, with a typed result: the only door for the command line, servers and notebooks."""
