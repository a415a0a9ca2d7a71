"""The model that could be anything, and the page that could do anything: both draw what they do when they are asked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.testing import ModelCall
from hypothesis import strategies as st

from ..model import Caller, Step, calls, says
from ..model.lanes import PLAIN_ANSWER
from .arguments import example
from .moves import Move, Reaction
from .schemas import Strategy
from .story import Said, Source, lane_of
from .strategies import (
    Offer,
    model_steps,
    page_reactions,
    upstream_steps,
    wrong_steps,
)

Draw = Callable[..., Any]
"""``data.draw(strategy, label=...)`` of Hypothesis."""

_ROUNDS = 3  # answers of one agent in one move that call tools, where the app's max_turns does not end it earlier
_WORDS = 30  # known words that are kept
_ID = re.compile(r"\b(?:[A-Za-z]{2,}[-_]\w*\d[\w-]*|[0-9a-f]{8}-[0-9a-f-]{27})\b")
_SELDOM = 25  # one model call in so many goes wrong, and one in so many meets a defect of the SDKs
_ORDERS: Strategy = st.dictionaries(st.integers(0, 40), st.integers(1, 3), max_size=4)


def plain_step(call: ModelCall) -> Step:
    """The plainest answer that is legal for a call."""
    offer = Offer.of(call)
    if offer.required:
        tool = sorted(offer.tools)[0]
        return calls(tool, example(offer.tools[tool]))
    if offer.output is not None:
        return says(json.dumps(example(offer.output)), chunks=1)
    return says(PLAIN_ANSWER)


@dataclass
class Known:
    """Texts that mean something to the server under test: what looks like an id in all that its model is given."""

    words: dict[str, None] = field(default_factory=dict)

    def __call__(self) -> Sequence[str]:
        """The texts, in the order in which they were met."""
        return list(self.words)

    def learn(self, call: ModelCall) -> None:
        """Read a model call: outputs of tools first, then what is said of tools, and the instructions and messages."""
        items = call.input if isinstance(call.input, list) else [{"content": call.input}]
        given = [item for item in items if isinstance(item, Mapping)]
        self._read(*(item.get("output") for item in given if item.get("type") == "function_call_output"))
        self._read(*(getattr(tool, "description", "") for tool in call.tools), call.system_instructions)
        self._read(*(item.get("content") for item in given))

    def _read(self, *said: Any) -> None:
        for one in said:
            text = one if isinstance(one, str) else json.dumps(one, default=str)
            for word in _ID.findall(text):
                if len(self.words) < _WORDS:
                    self.words.setdefault(word)


def _nothing(strategy: Strategy, label: str | None = None) -> None:
    """Draw nothing: no example is under way."""


@dataclass
class Drawing(Source):
    """A source that draws from Hypothesis, lazily: at each model call, at each client tool call.

    Where Hypothesis stops in the middle of a turn, the turn goes on plainly and Hypothesis is told afterwards: neither
    the server nor an SDK ever sees its exceptions.

    Attributes:
        arguments: Strategies for tool arguments by ``tool.parameter``.
        formats: Strategies for formats of JSON schemas.
        results: Strategies for the results of client tools, by name.
        promised: The same, as the page declares them: it returns nothing else, and does not fail.
        wrong: Whether models do what none should, now and then.
        upstream: Whether models meet known defects of the SDKs, now and then.
        waiting: Whether client tools may take their time.
        ordered: Whether the order of tasks is drawn.
        favoured: Tools and handoffs that models call more often than others.
    """

    arguments: Mapping[str, Strategy] = field(default_factory=dict)
    formats: Mapping[str, Strategy] = field(default_factory=dict)
    results: Mapping[str, Strategy] = field(default_factory=dict)
    promised: Mapping[str, Strategy] = field(default_factory=dict)
    wrong: bool = True
    upstream: bool = True
    waiting: bool = True
    ordered: bool = True
    favoured: frozenset[str] = frozenset()
    known: Known = field(default_factory=Known)
    draw: Draw = field(default=_nothing, repr=False)
    _steps: dict[str, Strategy] = field(default_factory=dict)
    _reactions: dict[str, Strategy] = field(default_factory=dict)
    _rounds: Counter[str] = field(default_factory=Counter)
    _stopped: BaseException | None = None

    def begin(self, move: Move) -> None:
        """See ``Source``."""
        self._rounds.clear()
        self._stopped = None

    def end(self) -> None:
        """See ``Source``."""
        if self._stopped is not None:
            raise self._stopped

    def forget(self) -> None:
        """Forget what was learnt, and where to draw from: an example begins, or has ended."""
        self.known.words.clear()
        self.draw, self._stopped = _nothing, None  # each leads to Hypothesis' memory of all examples

    def favour(self, tools: frozenset[str]) -> None:
        """Let models call these tools and handoffs more often than others."""
        self.favoured = tools
        self._steps.clear()

    def step(self, caller: Caller, call: ModelCall) -> Said:
        """See ``Source``."""
        drawn = self._guarded(lambda: self._draw_step(caller, call))
        return Said(lane_of(caller), plain_step(call)) if drawn is None else drawn

    def reaction(self, client: int, tool: str, arguments: Mapping[str, Any]) -> Reaction:
        """See ``Source``."""
        drawn = self._guarded(lambda: self._draw_reaction(tool))
        return Reaction() if drawn is None else drawn

    def order(self) -> Mapping[int, int]:
        """See ``Source``."""
        if not self.ordered:
            return {}
        return self._guarded(lambda: self.draw(_ORDERS, label="order")) or {}

    def _guarded(self, draw: Callable[[], Any]) -> Any:
        if self._stopped is not None:
            return None
        try:
            return draw()
        except BaseException as stop:  # raised again by end(), once the turn is over
            self._stopped = stop
            return None

    def _draw_step(self, caller: Caller, call: ModelCall) -> Said:
        self.known.learn(call)
        lane, agent = lane_of(caller), caller.agent.name
        offer = Offer.of(call)
        if (caller.last_turn or self._rounds[agent] >= _ROUNDS) and not offer.required:
            offer = replace(offer, tools={})
        dice = self.draw(_DICE, label="luck of the model")
        if dice == _SELDOM - 1 and self.wrong:
            return Said(lane, self.draw(wrong_steps(offer), label="the model"), wrong=True, tools=offer.tools)
        if dice == _SELDOM - 2 and self.upstream and offer.output is None and not offer.required:
            return Said(lane, self.draw(upstream_steps(images=offer.images), label="the model"))
        step = self.draw(self._strategy(offer), label="the model")
        if any(part for part in step.parts if type(part).__name__ == "Calls"):
            self._rounds[agent] += 1
        return Said(lane, step, tools=offer.tools)

    def _strategy(self, offer: Offer) -> Strategy:
        key = json.dumps(vars(offer), sort_keys=True, default=repr)
        if key not in self._steps:
            self._steps[key] = model_steps(
                offer, arguments=self.arguments, formats=self.formats, known=self.known, favoured=self.favoured
            )
        return self._steps[key]

    def _draw_reaction(self, tool: str) -> Reaction:
        if tool not in self._reactions:
            promised = self.promised.get(tool)
            results = self.results.get(tool) if promised is None else promised
            self._reactions[tool] = page_reactions(results, promised=promised is not None, waiting=self.waiting)
        reaction: Reaction = self.draw(self._reactions[tool], label="the page")
        return reaction


_DICE: Strategy = st.sampled_from(range(_SELDOM))
