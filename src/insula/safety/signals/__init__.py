"""Signals of risk in incoming messages: self-harm, suicide, violence, abuse and medical emergency."""
