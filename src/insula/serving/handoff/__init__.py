"""The hand-off queue of a service: its calls, the check for late cases, the messages that open cases."""
