"""One plain function per command, with a typed result: what the command line, servers and notebooks call."""
