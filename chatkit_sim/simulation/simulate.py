"""One drawn conversation, for tests of one's own with ``@given``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ..recording import Turn
from .drawn_model import Drawing
from .machine import judge
from .reproducer import in_words
from .scene import NotPlayable, Scene, World, check_factory
from .schemas import Strategy
from .story import Story
from .users import KINDS, able, user_moves


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
    virtual_time: bool = True,
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
        virtual_time: Whether waiting costs nothing; False for servers that need a loop of real time.
        options: What ``Bench`` takes besides.

    Raises:
        StoryError: A rule was broken.
        UsageError: The server was made already.

    Example::

        @given(st.data())
        def test_the_cart_never_holds_a_negative_amount(data):
            cart = Cart()
            simulate(lambda store: ShopServer(store, cart), data)
            assert cart.amount >= 0
    """
    check_factory(server)
    world = World(
        server=server,
        context=context,
        second_user={} if other_context is None else {"context": other_context},
        virtual_time=virtual_time,
        options=options,  # type: ignore[arg-type]  # what Bench takes, checked by it
    )
    frontend = options.get("frontend")
    drawing = Drawing(
        arguments=arguments or {},
        results=results or {},
        promised=frontend.results if frontend is not None else {},
        waiting=virtual_time,
        ordered=virtual_time,
        draw=data.draw,
    )
    kinds = tuple(kinds)
    with world.opened() as bench:
        scene = Scene(world, bench, drawing)
        for _ in range(moves):
            if not any(able(scene, kind) for kind in kinds):
                break
            move = data.draw(user_moves(scene, kinds=kinds, messages=messages), label="move")
            try:
                scene.play(move)
            except NotPlayable:
                continue
            judge(tuple(scene.story))
        return Conversation(tuple(scene.story))
