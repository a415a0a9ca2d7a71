"""A Hypothesis state machine over one server: users who could be anyone, a model that could say anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import cache
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from ..client import AsyncSimulatedClient
from ..errors import UsageError, Violation, ViolationError
from ..recording import Turn
from .drawn_model import Drawing
from .goals import HOSTILE
from .profile import conversation_settings
from .reproducer import as_test, in_words
from .scene import NotPlayable, Scene, World, check_factory, keys_of
from .schemas import Strategy
from .story import Key, Story
from .users import KINDS, able, draw_move


class StoryError(ViolationError):
    """Rules were broken in a story that was drawn; every bug has a class of its own, which keeps them apart.

    Attributes:
        key: The bug.
        story: What was played.
    """

    def __init__(self, key: Key, violations: Iterable[Violation], story: Story, *, turn: Turn | None = None) -> None:
        self.key = key
        self.story = story
        super().__init__(tuple(violations), turn=turn)

    def __str__(self) -> str:
        parts = [in_words(self.story), *map(str, self.violations), "As a test:", as_test(self.story, self.key)]
        return "\n\n".join(parts)


@cache
def bug_class(key: Key) -> type[StoryError]:
    """The class of a bug's errors: Hypothesis tells failures apart by their class."""
    return type("StoryError", (StoryError,), {})


def judge(story: Story, known: frozenset[Key] = frozenset()) -> None:
    """Raise what the last move of a story has broken.

    Args:
        story: What was played.
        known: Bugs that go unheard.

    Raises:
        StoryError: A rule was broken.
    """
    played = story[-1]
    found = keys_of(played)
    new = [key for key in found if key not in known]
    if new:
        turns = [one.turn for one in played.judged if one.raised]
        raise bug_class(new[0])(new[0], found.values(), story, turn=turns[0] if turns else None)


class ChatKitMachine(RuleBasedStateMachine):
    """What ``chatkit_state_machine`` returns a subclass of.

    Attributes:
        world: The server under test.
        drawing: Draws what is not in the moves.
        messages: What users write.
        known: Bugs that are known already, and go unheard.
        on_example: Told of each story when it has ended.
        scene: The example under way.
    """

    world: ClassVar[World]
    drawing: ClassVar[Drawing]
    messages: ClassVar[Strategy | None] = None
    known: ClassVar[frozenset[Key]] = frozenset()
    on_example: ClassVar[Callable[[Story], None] | None] = None

    def __init__(self) -> None:
        super().__init__()
        self._resources = ExitStack()
        try:
            bench = self._resources.enter_context(self.world.opened())
            self.drawing.forget()
            self.scene = Scene(self.world, bench, self.drawing)
        except BaseException:
            self._resources.close()
            raise

    @property
    def clients(self) -> tuple[AsyncSimulatedClient, ...]:
        """The clients, in the order in which they came: their views, their turns."""
        return tuple(self.scene.clients)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Every turn of the example so far."""
        judged = (one for played in self.scene.story for one in played.judged)
        return tuple(one.turn for one in judged if one.turn is not None)

    def act(self, data: st.DataObject, kinds: Iterable[str] = KINDS) -> None:
        """Let a user make a move, whatever it is; nothing happens where nobody can make one.

        Args:
            data: What a rule with ``data=st.data()`` is given.
            kinds: The kinds of move: ``chatkit_sim.simulation.KINDS``.

        Raises:
            StoryError: A rule was broken.

        Example::

            @rule(data=st.data())
            def somebody_tidies_up(self, data):
                self.act(data, kinds=("rename", "delete"))
        """
        possible = [kind for kind in checked_kinds(kinds) if able(self.scene, kind)]
        if not possible:
            return
        kind = possible[0] if len(possible) == 1 else data.draw(st.sampled_from(possible), label="move")
        act(self.scene, self.drawing, kind, data, self.messages, self.known)

    def teardown(self) -> None:
        """End the example."""
        scene = self.scene
        try:
            if type(self).on_example is not None:
                type(self).on_example(tuple(scene.story))  # type: ignore[misc]
        finally:
            self.drawing.forget()
            scene.bench.model.forget()
            if self.world.is_shared:
                scene.bench.judged.clear()
            self._resources.close()

    @classmethod
    def retire(cls) -> None:
        """Let go of the server and of who listens: Hypothesis keeps the class of every state machine for ever."""
        cls.on_example = None
        del cls.world, cls.drawing


def chatkit_state_machine(
    server: Any,
    *,
    context: Any = None,
    other_context: Any = None,
    kinds: Iterable[str] = KINDS,
    name: str = "ChatKitConversation",
    messages: Strategy | None = None,
    arguments: Mapping[str, Strategy] | None = None,
    results: Mapping[str, Strategy] | None = None,
    **options: Any,
) -> type[ChatKitMachine]:
    """A Hypothesis state machine that talks to a server as anyone might, for rules and invariants of your own.

    Subclass it, or run its ``TestCase``. In a rule or invariant, ``self.clients`` are the clients and ``self.turns``
    what happened.

    Args:
        server: A factory of the server, called for each example: ``() -> server`` or ``(store) -> server``.
        context: The request context, or a function that makes it.
        other_context: That of a second user, if there may be one.
        kinds: Which moves the users make: ``chatkit_sim.simulation.KINDS``; ``(*KINDS, *HOSTILE)`` for what only a
            broken client does as well.
        name: The machine's name; Hypothesis' database tells machines apart by it.
        messages: What the users write; ``user_messages()`` by default.
        arguments: Strategies for tool arguments by ``tool.parameter``.
        results: Strategies for the results of client tools, by name.
        options: ``virtual_time=False`` for servers that need a loop of real time; ``reset``; what ``Bench`` takes.

    Raises:
        UsageError: There is no such kind of move, or the server was made already.

    Example::

        class Shop(chatkit_state_machine(lambda store: ShopServer(store, cart))):
            @invariant()
            def cart_is_never_negative(self):
                assert cart.total >= 0

        TestShop = Shop.TestCase
    """
    world, drawing = staged(
        server, context=context, other_context=other_context, arguments=arguments, results=results, **options
    )
    machine = machine_for(world, drawing, checked_kinds(kinds), name=name, messages=messages)
    machine.TestCase.settings = conversation_settings()
    return machine


def staged(
    server: Any,
    *,
    context: Any,
    other_context: Any,
    arguments: Mapping[str, Strategy] | None,
    results: Mapping[str, Strategy] | None,
    virtual_time: bool = True,
    reset: Callable[[], Any] | None = None,
    **options: Any,
) -> tuple[World, Drawing]:
    """The world and the drawing of a test of one's own; see ``chatkit_state_machine``.

    Raises:
        UsageError: The server was made already.
    """
    check_factory(server)
    world = World(
        server=server,
        context=context,
        second_user={} if other_context is None else {"context": other_context},
        reset=reset,
        virtual_time=virtual_time,
        options=options,  # type: ignore[arg-type]  # what Bench takes, checked by it
    )
    frontend = world.options.get("frontend")
    drawing = Drawing(
        arguments=arguments or {},
        results=results or {},
        promised=frontend.results if frontend is not None else {},
        waiting=virtual_time,
        ordered=virtual_time,
    )
    return world, drawing


def checked_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """Kinds of move, all of them known.

    Raises:
        UsageError: One is not.
    """
    given = tuple(kinds)
    unknown = [kind for kind in given if kind not in (*KINDS, *HOSTILE)]
    if unknown:
        raise UsageError(f"There is no kind of move {unknown[0]!r}; there are {', '.join((*KINDS, *HOSTILE))}.")
    return given


def act(
    scene: Scene,
    drawing: Drawing,
    kind: str,
    data: st.DataObject,
    messages: Strategy | None,
    known: frozenset[Key] = frozenset(),
) -> None:
    """Draw a move of a kind that some client can make now, make it, and hold it to the rules.

    Raises:
        StoryError: A rule was broken.
    """
    drawing.draw = data.draw
    move = draw_move(scene, kind, data.draw, messages)
    try:
        scene.play(move)
    except NotPlayable:
        return  # what one client did has taken it from another
    judge(tuple(scene.story), known)


def machine_for(
    world: World, drawing: Drawing, kinds: Iterable[str], *, name: str, messages: Strategy | None = None
) -> type[ChatKitMachine]:
    """The state machine over a world, with a rule for each kind of move."""
    members: dict[str, Any] = {kind: _rule_of(kind) for kind in kinds}
    members |= {"world": world, "drawing": drawing, "messages": messages, "__doc__": ChatKitMachine.__doc__}
    return type(name, (ChatKitMachine,), members)


def _rule_of(kind: str) -> Any:
    def move(self: ChatKitMachine, data: st.DataObject) -> None:
        act(self.scene, self.drawing, kind, data, self.messages, self.known)

    move.__name__ = move.__qualname__ = kind
    return precondition(lambda self: bool(able(self.scene, kind)))(rule(data=st.data())(move))
