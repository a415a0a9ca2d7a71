"""One drawn conversation, for tests of one's own with ``@given``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ..recording import Turn
from .machine import act, checked_kinds, staged
from .reproducer import in_words
from .scene import Scene
from .schemas import Strategy
from .story import Story
from .users import KINDS, able


@dataclass(frozen=True, repr=False)
class Conversation:
    """What was played; printed, it tells the story.

    Attributes:
        story: Every move, with what the model said and the page answered.
    """

    story: Story

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Every turn of every client, in order."""
        judged = (one for played in self.story for one in played.judged)
        return tuple(one.turn for one in judged if one.turn is not None)

    def __repr__(self) -> str:
        return in_words(self.story)


def simulate(
    server: Any,
    data: st.DataObject,
    *,
    moves: int = 5,
    kinds: Iterable[str] = KINDS,
    context: Any = None,
    other_context: Any = None,
    messages: Strategy | None = None,
    arguments: Mapping[str, Strategy] | None = None,
    results: Mapping[str, Strategy] | None = None,
    **options: Any,
) -> Conversation:
    """Play one conversation with a server, drawn from Hypothesis, and hold it to the rules.

    Args:
        server: A factory of the server: ``() -> server`` or ``(store) -> server``. Hypothesis calls the test many
            times, so it must not be a server that is made once.
        data: What ``@given(st.data())`` passes to the test.
        moves: How many moves the users make.
        kinds: Which moves they may make: ``chatkit_sim.simulation.KINDS``.
        context: The request context, or a function that makes it.
        other_context: That of a second user, if there may be one.
        messages: What the users write; ``user_messages()`` by default.
        arguments: Strategies for tool arguments by ``tool.parameter``.
        results: Strategies for the results of client tools, by name.
        options: ``virtual_time=False`` for servers that need a loop of real time; ``reset``; what ``Bench`` takes.

    Raises:
        StoryError: A rule was broken.
        UsageError: There is no such kind of move, or the server was made already.

    Example::

        @conversation_settings(max_examples=20)
        @given(st.data())
        def test_the_cart_never_holds_a_negative_amount(data):
            cart = Cart()
            simulate(lambda store: ShopServer(store, cart), data)
            assert cart.amount >= 0
    """
    kinds = checked_kinds(kinds)
    world, drawing = staged(
        server, context=context, other_context=other_context, arguments=arguments, results=results, **options
    )
    with world.opened() as bench:
        scene = Scene(world, bench, drawing)
        for _ in range(moves):
            possible = [kind for kind in kinds if able(scene, kind)]
            if not possible:
                break
            act(scene, drawing, data.draw(st.sampled_from(possible), label="move"), data, messages)
        return Conversation(tuple(scene.story))
