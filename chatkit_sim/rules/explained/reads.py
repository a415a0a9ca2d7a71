"""What rules read that read more, or something else, than the events and the run."""

from __future__ import annotations

_STORED = (
    "It reads the thread back as a page reload does (threads.get_by_id, then items.list in both orders and in small "
    "pages) and holds it against the page; with `chatkit_reload = off`, where no page can be read to its end, or "
    "where the store has no load_thread_items, it is not checked, and says so."
)
_SCRIPT = "It reads the script of the test and the model calls that were made."
_ANSWERS = "It reads every response of the server: the events of streams, and the answers to all other requests."

READS: dict[str, str] = {
    "turn-shows-something": "It reads the events of the turn; an observed run tells which tool ended it.",
    "preamble-first": "It reads the events, and the request that they answer.",
    "no-unexpected-error": "It reads the error events, and the exceptions that the server has logged or swallowed.",
    "stream-ends-cleanly": "It reads how the response ended, whatever events came before.",
    "unique-item-ids": "It reads the events, and those of the turns before.",
    "reload-works": _STORED.partition(" and holds")[0] + "; with `chatkit_reload = off`, or where the store has no "
    "load_thread_items, it is not checked, and says so.",
    "reload-matches-live-view": _STORED,
    "reload-order-matches": _STORED,
    "item-stored-once": _STORED,
    "hidden-items-stay-hidden": _ANSWERS,
    "thread-metadata-stays-private": _ANSWERS,
    "isolation": "It reads what a second user was answered, and what the first user finds afterwards; without a "
    "second user it is not checked.",
    "client-tool-registered": "It reads the events, and what the page has registered.",
    "client-tool-arguments-valid": "It reads the events, and the handlers that the page has registered.",
    "frontend-has-what-is-asked": "It reads the events and the widgets on show, and what the page declares; without a "
    "frontend there is nothing to hold them against.",
    "client-tool-call-is-newest": "It reads the request that posts the tool's output, and what came of it.",
    "client-tool-output-reaches-model": "It reads what the model was given; without an observed run it is not checked.",
    "balanced-function-calls": "It reads what the model was given; without an observed run it is not checked.",
    "no-orphaned-client-tool-call": "It reads the thread as it is stored after the turn, and what the model was given; "
    "without an observed run it is checked in part.",
    "cancellation-comes-through": "It looks at what comes out of the responder once it was cancelled, and at the runs "
    "that begin then; a server in another thread or process is ahead of its client, and is not checked.",
    "no-work-after-cancel": "It reads the model calls and tools of observed runs, and the writes to the store of a "
    "server in this process, that begin after the client has left.",
    "no-leaked-tasks": "It looks at the tasks of the event loop after the turn, and gives them a second to end; of a "
    "server in another thread or process it sees none, and says so.",
    "server-tool-raised": "It reads how the tools of the run ended; without an observed run it is not checked.",
    "script-used-up": _SCRIPT,
    "no-unscripted-model-call": _SCRIPT,
    "no-network": "It reads what the network guard has stopped, from any library and thread.",
    "provider-accepts-request": "It reads the requests that reach the OpenAI API's stand-in: the model script at the "
    "HTTP boundary.",
}
"""By the rule's slug."""
