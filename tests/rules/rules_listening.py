"""Drives a real server with the simulated client and keeps what every rule said."""

import warnings
from contextlib import contextmanager

from chatkit_sim.client import SimulatedClient
from chatkit_sim.errors import ViolationError
from chatkit_sim.model import ModelScript
from chatkit_sim.rules import Catalogue


class ListeningCatalogue(Catalogue):
    """Keeps every verdict."""

    def __init__(self, **options):
        super().__init__(**options)
        self.verdicts = []

    def judge(self, evidence, **options):
        self.verdicts.append(super().judge(evidence, **options))
        return self.verdicts[-1]

    def judge_test(self, evidence, **options):
        self.verdicts.append(super().judge_test(evidence, **options))
        return self.verdicts[-1]

    @property
    def heard(self):
        """Every violation that was not ignored."""
        return [violation for verdict in self.verdicts for violation in verdict.violations]

    @property
    def rules_heard(self):
        """The slugs of those violations."""
        return [violation.rule for violation in self.heard]


@contextmanager
def listening(server, *, script=(), client_tools=(), agents=(), **options):
    """A client whose rules are listened to instead of raised: ``with listening(server) as (client, catalogue)``."""
    catalogue, model = ListeningCatalogue(), ModelScript()
    model.script(*script)
    for name, step in agents:
        model.agent(name).always(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = SimulatedClient(server, model=model, catalogue=catalogue, **options)
        for handler in client_tools:
            client.client_tool(handler)
        try:
            yield Speaker(client), catalogue
        finally:
            try:
                client.close()
            except ViolationError:
                client.close()


class Speaker:
    """A client that goes on after a violation, since the catalogue keeps it."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if name not in (
            "send",
            "retry",
            "action",
            "click",
            "answer",
            "skip",
            "sync_action",
            "reload",
            "check_isolation",
        ):
            return method

        def call(*args, **options):
            try:
                return method(*args, **options)
            except ViolationError as error:
                return error.turn  # None where it is of no turn

        return call


def violations_of(server, *, user=("Hello",), **options):
    """What the rules say when the user writes these messages."""
    with listening(server, **options) as (client, catalogue):
        for words in user:
            client.send(words)
    return catalogue.heard
