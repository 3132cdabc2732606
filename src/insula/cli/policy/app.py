"""`insula policy`: which strategy a draft has, learned from what people did with drafts."""

from __future__ import annotations

from insula.cli.policy import evaluate, learn, record
from insula.cli.program import App

app = App(help="Learn which strategy the first draft should have, from what people did with drafts (experimental).")
app.command("record")(record.record)
app.command("learn")(learn.learn)
app.command("evaluate")(evaluate.evaluate)
