"""`insula queue`: the hand-off queue."""

from __future__ import annotations

from typing import Any

from insula.cli.exits import exit_with_error
from insula.cli.handoff import handle_cases, open_cases, show_cases
from insula.cli.program import App, Group
from insula.core.errors import CaseConflictError, StoreUnreachableError

CONFLICT, TRY_AGAIN = 4, 5
"""Exit statuses, so that a script need not read the sentence."""


class _Queue(Group):
    """The command group, with its own exit statuses."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CaseConflictError as error:
            exit_with_error(str(error), CONFLICT)
        except StoreUnreachableError as error:
            exit_with_error(str(error), TRY_AGAIN)


app = App(
    cls=_Queue,
    help="Hand messages to people: open, claim, renew, release and close the cases of the hand-off queue.\n\n"
    "The exit status is 0 for success, 1 for an error, 3 if no case is waiting, 4 if another agent holds the case or "
    "its state does not allow the step, 5 if the store does not answer and you should try again.",
)
app.command("open")(open_cases.open_)
app.command("list")(show_cases.list_)
app.command("show")(show_cases.show)
app.command("claim")(handle_cases.claim)
app.command("renew")(handle_cases.renew)
app.command("release")(handle_cases.release)
app.command("reassign")(handle_cases.reassign)
app.command("close")(handle_cases.close)
app.command("reopen")(handle_cases.reopen)
app.command("escalate")(show_cases.escalate)
app.command("stats")(show_cases.stats)
