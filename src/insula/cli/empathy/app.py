"""`insula empathy`: the empathy that replies show."""

from __future__ import annotations

from insula.cli.empathy import score, train
from insula.cli.program import App

app = App(help="Score the empathy of replies, and train a scorer (experimental).")
app.command("score")(score.score)
app.command("train")(train.train)
