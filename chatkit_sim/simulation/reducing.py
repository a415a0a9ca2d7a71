"""Making a story as short and plain as it can be while the same bug still shows."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UsageError
from ..model import Step, says
from ..model.lanes import PLAIN_ANSWER
from ..model.steps import Calls, Says
from .arguments import example
from .drawn_model import plain_step
from .moves import Answer, AtOnce, Click, Forge, Join, Move, NewThread, Open, Reaction, Rename, Retry, Send, Stop, Wait
from .scene import NotPlayable, Scene, World, keys_of
from .story import Key, Played, Reacted, Recorded, Said, Story, deeds_that_went_well

_HELLO = "Hello!"
_SHIFTS = sorted(range(-6, 7), key=abs)[1:]  # choices of the order of tasks that come or go with something else


@dataclass(frozen=True)
class Reduced:
    """What came of reducing a story.

    Attributes:
        story: The story, as it was played last; it ends with the move in which the bug shows.
        reproducible: Whether the bug shows again when the story is played again.
        replays: How often it was played.
        leaks: Whether what its one move does had gone well before, so that the app must remember something.
    """

    story: Story
    reproducible: bool
    replays: int
    leaks: bool = False


def reduced(
    story: Sequence[Played], key: Key, world: World, *, seconds: float = 10, went_well: Collection[str] = ()
) -> Reduced:
    """Reduce a story.

    Args:
        story: What was played.
        key: The bug that has to show again.
        world: The server; its state must begin anew with each example, as far as that matters.
        seconds: When to leave it at what was reached.
        went_well: The deeds of first moves that broke nothing.
    """
    work = _Reduction(key, world, _clock() + seconds, set(went_well))
    best = work.again(tuple(story))
    if best is None:
        return Reduced(tuple(story), False, work.replays)
    progress = True
    while progress:
        progress = False
        for simplify in _SIMPLIFICATIONS:
            # From the beginning again after each success, since positions have moved.
            while (better := work.first(simplify(best), _cost(best))) is not None:
                best, progress = better, True
    leaks = len(best) == 1 and best[0].deeds(words=not best[0].raised_in_tools) in work.went_well
    return Reduced(best, True, work.replays, leaks)


def _clock() -> float:
    """Seconds of work, so that a busy machine tells the same story; waiting counts, but less."""
    return time.process_time() + time.perf_counter() / 10


@dataclass
class _Reduction:
    key: Key
    world: World
    deadline: float
    went_well: set[str]
    replays: int = 0

    def first(self, candidates: Iterator[Story], cost: int) -> Story | None:
        """The first candidate in which the bug still shows, and which costs less as it was played then."""
        for candidate in candidates:
            if _clock() > self.deadline:
                return None
            found = self.again(candidate)
            if found is not None and _cost(found) < cost:
                return found
        return None

    def again(self, story: Story) -> Story | None:
        """The story played again, up to the move in which the bug shows; ``None`` when it does not."""
        self.replays += 1
        with self.world.opened() as bench, bench.aside():
            try:
                scene = Scene(self.world, bench, Recorded(story, plain_step))
                for played in story:
                    if self.key in keys_of(scene.play(played.move)):
                        return tuple(scene.story)
                    if len(scene.story) == 1:
                        self.went_well |= deeds_that_went_well(tuple(scene.story))
            except NotPlayable:
                return None
            finally:
                bench.model.forget()
        return None


def _cost(story: Story) -> int:
    """How much there is to read in a story, and to wonder about."""
    cost = 0
    for played in story:
        moves = played.move.moves if isinstance(played.move, AtOnce) else (played.move,)
        cost += sum(20 + _oddities(move) for move in moves) + 10 * (len(moves) - 1)
        cost += sum(5 + to for to in played.order.values())
        for said in played.said:
            cost += 5 + 2 * said.wrong
            for index, part in enumerate(said.step.parts):
                cost += 5 + sum(1 for _ in _plainer_part(part, said, index)) + (not isinstance(part, Says))
        cost += sum(2 + sum(1 for _ in _plainer_reactions(reacted.reaction)) for reacted in played.reacted)
    return cost


def _oddities(move: Move) -> int:
    odd = 5 * (move.client > 0) + sum(1 for _ in _plainer(move))
    if isinstance(move, Send) and move.stop is not None:
        odd += 20 + (move.stop.at if isinstance(move.stop.at, int) else 0)
    return odd + 5 * isinstance(move, NewThread)


def _without_moves(story: Story) -> Iterator[Story]:
    size = len(story) // 2
    while size:
        for start in range(0, len(story), size):
            fewer = _renumbered(story[:start] + story[start + size :])
            yield fewer
            if not start:
                yield from _moved_on(fewer)
        size //= 2


def _moved_on(story: Story) -> Iterator[Story]:
    """The story where what happens in its first move happens later: with a new thread, more comes before it."""
    if not story:
        return
    first, move = story[0], story[0].move
    if isinstance(move, Send) and move.stop is not None and isinstance(move.stop.at, int):
        first = replace(first, move=replace(move, stop=replace(move.stop, at=move.stop.at + 1)))
        yield (first, *story[1:])
    yield from ((shifted, *story[1:]) for shifted in _shifted(first))


def _shifted(played: Played) -> Iterator[Played]:
    """The move where the switches in the order of tasks come a little later, or earlier."""
    for by in _SHIFTS if played.order else ():
        yield replace(played, order={choice + by: to for choice, to in played.order.items() if choice + by >= 0})


def _unshared(played: Played, before: Move) -> Iterator[Played]:
    """The move with the answers of the model that one of several clients got, as far as they took turns."""
    if isinstance(before, AtOnce) and not isinstance(played.move, AtOnce):
        several = len(before.moves)
        yield from (replace(played, said=played.said[first::several]) for first in range(several))


def _renumbered(story: Story) -> Story:
    """The story with clients numbered by their coming; moves of clients that never come are left out."""
    numbers = {0: 0}
    kept: list[Played] = []
    for played in story:
        move = played.move
        if isinstance(move, Join):
            numbers[move.client] = len(numbers)
        if isinstance(move, AtOnce):
            moves = tuple(replace(one, client=numbers[one.client]) for one in move.moves if one.client in numbers)
            if moves:
                kept.append(replace(played, move=AtOnce(moves) if len(moves) > 1 else moves[0]))
        elif move.client in numbers:
            kept.append(replace(played, move=replace(move, client=numbers[move.client])))
    return tuple(kept)


def _with_plainer_moves(story: Story) -> Iterator[Story]:
    for index, played in enumerate(story):
        for move in _plainer(played.move):
            plainer = replace(played, move=move)
            for one in (plainer, *_shifted(plainer), *_unshared(plainer, played.move)):
                yield (*story[:index], one, *story[index + 1 :])


def _plainer(move: Move) -> Iterator[Move]:
    if move.client and not isinstance(move, Join):
        yield replace(move, client=0)
    match move:
        case AtOnce(moves=moves):
            yield from moves
            if len(moves) > 2:
                yield from (AtOnce(moves[:index] + moves[index + 1 :]) for index in range(len(moves)))
            for index, one in enumerate(moves):
                yield from (
                    AtOnce((*moves[:index], new, *moves[index + 1 :])) for new in _plainer(one) if not new.client
                )
        case Send(content=content, options=options, stop=stop):
            if stop is not None:
                yield replace(move, stop=None)
                yield from (replace(move, stop=new) for new in _earlier(stop))
            if options:
                yield replace(move, options={})
            if move.files:
                yield replace(move, files=())
            if len(move.files) > 1:
                yield from (replace(move, files=(file,)) for file in move.files)
            if content != _HELLO:
                yield replace(move, content=_HELLO)
        case NewThread(content=content):
            yield Send(content, client=move.client)
            if content != _HELLO:
                yield replace(move, content=_HELLO)
        case Retry(back=back):
            yield Send(client=move.client)
            if back:
                yield replace(move, back=0)
        case Answer() | Forge():
            yield Send(client=move.client)
        case Open(number=number) if number:
            yield replace(move, number=0)
        case Rename(title=title) if title != "A title":
            yield replace(move, title="A title")
        case Join(opens=opens, other_user=other_user) if opens or other_user:
            yield replace(move, opens=False, other_user=None)
        case Wait(seconds=seconds) if seconds > 60:
            yield replace(move, seconds=60)
        case Click(words=words):
            yield Send(client=move.client)
            if words:
                yield replace(move, words={})


def _earlier(stop: Stop) -> Iterator[Stop]:
    if isinstance(stop.at, int) and stop.at > 1:
        yield replace(stop, at=1)
        yield replace(stop, at=stop.at // 2)
        yield replace(stop, at=stop.at - 1)
    if stop.how == "cancel":
        yield replace(stop, how="disconnect")


def _with_plainer_answers(story: Story) -> Iterator[Story]:
    for index, played in enumerate(story):
        for place in range(len(played.said)):
            fewer = played.said[:place] + played.said[place + 1 :]
            yield (*story[:index], replace(played, said=fewer), *story[index + 1 :])
        for place, said in enumerate(played.said):
            for step in _plainer_steps(said):
                new = (*played.said[:place], replace(said, step=step, wrong=False), *played.said[place + 1 :])
                yield (*story[:index], replace(played, said=new), *story[index + 1 :])


def _plainer_steps(said: Said) -> Iterator[Step]:
    parts = said.step.parts
    if len(parts) > 1:
        for index in range(len(parts)):
            yield _joined(parts[:index] + parts[index + 1 :])
    elif not _is_plain(said.step):
        yield says(PLAIN_ANSWER)
    for index, part in enumerate(parts):
        for new in _plainer_part(part, said, index):
            yield _joined((*parts[:index], new, *parts[index + 1 :]))


def _plainer_part(part: Step, said: Said, index: int) -> Iterator[Step]:
    if isinstance(part, Says):
        if part.chunks != 3:
            yield replace(part, chunks=3)
        if not _is_json(part.text) and not _is_plain(part):
            yield says(PLAIN_ANSWER)
    if isinstance(part, Calls) and part.tool in said.tools:
        try:
            # Calls that stand side by side keep arguments of their own.
            plain = example(said.tools[part.tool], index)
        except UsageError:
            return  # no plain example; what was drawn stays
        for arguments in _plainer_arguments(part.arguments, plain):
            yield replace(part, arguments=json.dumps(arguments, ensure_ascii=False))


def _plainer_arguments(text: str, plain: Any) -> Iterator[Any]:
    """The plain arguments, then those that were drawn with one of them plain."""
    try:
        drawn = json.loads(text)
    except ValueError:
        drawn = None  # as no model should
    if drawn == plain:
        return
    yield plain
    if isinstance(drawn, dict) and isinstance(plain, dict):
        for name, value in drawn.items():
            if name not in plain:
                yield {one: kept for one, kept in drawn.items() if one != name}
            elif value != plain[name]:
                yield {**drawn, name: plain[name]}


def _is_plain(step: Step) -> bool:
    return isinstance(step, Says) and (step.text == PLAIN_ANSWER or _is_json(step.text))


def _is_json(text: str) -> bool:
    # Structured output is what the app reads, and stays as it is.
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _joined(parts: Sequence[Step]) -> Step:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole & part
    return whole


def _with_plainer_pages(story: Story) -> Iterator[Story]:
    for index, played in enumerate(story):
        for place, reacted in enumerate(played.reacted):
            for reaction in _plainer_reactions(reacted.reaction):
                new = (*played.reacted[:place], Reacted(reacted.tool, reaction), *played.reacted[place + 1 :])
                yield (*story[:index], replace(played, reacted=new), *story[index + 1 :])


def _plainer_reactions(reaction: Reaction) -> Iterator[Reaction]:
    plain = replace(reaction, delay=0) if reaction.promised else Reaction()
    if reaction != plain:
        yield plain
    if reaction.delay and not reaction.promised:
        yield replace(reaction, delay=0)


def _with_fewer_switches(story: Story) -> Iterator[Story]:
    for index, played in enumerate(story):
        for switch, to in played.order.items():
            fewer: dict[int, Any] = {one: value for one, value in played.order.items() if one != switch}
            yield (*story[:index], replace(played, order=fewer), *story[index + 1 :])
            if to > 1:
                yield (*story[:index], replace(played, order={**played.order, switch: 1}), *story[index + 1 :])


_SIMPLIFICATIONS = (
    _without_moves,
    _with_plainer_moves,
    _with_fewer_switches,
    _with_plainer_pages,
    _with_plainer_answers,
)
