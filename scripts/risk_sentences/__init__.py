"""Invented messages for the risk score: templates by kind of risk, and how they are filled.

A file has headings such as `## suicide oblique` or `## none idiom`, and one template a line. `(a|b|)` stands for one of
its alternatives, `{pills}` for one entry of that slot. All were written for this purpose; none is the message of a
person.
"""
