"""A story in plain words, and as a pytest test that can be pasted: with no Hypothesis in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..recording import ClientToolAssigned
from ..transcript import quoted
from .moves import (
    Answer,
    AtOnce,
    Click,
    Delete,
    Feedback,
    File,
    Forge,
    Join,
    Move,
    NewThread,
    Open,
    Pry,
    Reaction,
    Reload,
    Rename,
    Retry,
    SecondUser,
    Send,
    Wait,
    Workers,
)
from .story import Key, Played, Story

_STEPS = ("calls", "cites", "draws", "fails", "refuses", "says", "thinks")
_CLIENTS = ("chatkit_client", "second", "third")
_WHO = ("the user", "the second tab", "the third tab")
_LONG = 1.0  # virtual seconds that a person would wait for
_PENDING = 'getattr(getattr(event, "item", None), "status", None) == "pending"'


def in_words(story: Story) -> str:
    """A story in plain words, one line for each thing that happens."""
    return "\n".join(line for played in story for line in _words(played))


def _words(played: Played) -> Iterator[str]:
    yield from _move_words(played.move)
    if played.order:
        switches = ", ".join(f"choice {choice} -> {index}" for choice, index in sorted(played.order.items()))
        yield f"  in another order of tasks ({switches})"
    for said in played.said:
        who = "the model" if said.agent is None else f'the model of "{said.agent}"'
        yield f"  {who}: {said.step!r}" + ("  (as no model should)" if said.wrong else "")
    for reacted in played.reacted:
        reaction = reacted.reaction
        late = f" after {reaction.delay:g} s" if reaction.delay else ""
        verb = "answers" if reaction.outcome == "answers" else "fails in the browser with"
        yield f"  client tool {reacted.tool} {verb} {_literal(reaction.value)}{late}"


def _move_words(move: Move) -> Iterator[str]:
    who = _who(move.client)
    match move:
        case AtOnce(moves=moves):
            yield "at the same time:"
            for one in moves:
                yield from (f"  {line}" for line in _move_words(one))
        case Send(content=content, options=options, stop=stop, files=files):
            chosen = f" with {', '.join(f'{name}={value!r}' for name, value in options.items())}" if options else ""
            attached = f" and attaches {', '.join(quoted(file.name) for file in files)}" if files else ""
            yield f"{who} writes {_literal(content)}{chosen}{attached}"
            if stop is not None:
                where = "when a client tool is asked for" if stop.at == "client tool" else f"at event {stop.at}"
                done = "the user presses stop" if stop.how == "cancel" else "the page goes away"
                yield f"  {done} {where}"
        case Retry(back=back):
            yield f"{who} retries {'the last message' if not back else f'the message {back} before the last'}"
        case NewThread(content=content):
            yield f"{who} begins a new thread with {_literal(content)}"
        case Open(number=number):
            yield f"{who} opens thread {number + 1} of the history"
        case Forge(kind=kind):
            yield f"a broken client of {who} sends {kind}, and the page is loaded anew"
        case Pry():
            yield "the second user names what is the first user's, in every request that can"
        case Workers():
            yield f"from now on the requests of {who} go to two workers in turn"
        case Rename(title=title):
            yield f"{who} renames the thread to {quoted(title)}"
        case Delete():
            yield f"{who} deletes the thread"
        case Reload():
            yield f"the page of {who} is reloaded"
        case Feedback(kind=kind):
            yield f"{who} gives {kind} feedback"
        case Click(target=target, words=words):
            entered = f" with {words}" if words else ""
            yield f"{who} clicks {', '.join(f'{name} {value!r}' for name, value in target.items())}{entered}"
        case Answer(answers=answers):
            yield f"{who} {'skips the questions' if answers is None else f'answers {answers}'}"
        case Join(other_user=other_user, opens=opens):
            what = "another user comes" if other_user else f"{who} is opened"
            yield what + (", on the same thread" if opens else "")
        case Wait(seconds=seconds):
            yield f"{seconds:g} seconds pass"


def _who(client: int) -> str:
    return _WHO[client] if client < len(_WHO) else f"client {client + 1}"


def as_test(
    story: Story, key: Key, *, declared: Iterable[str] = (), stubbed: bool = False, boundary: str | None = None
) -> str:
    """A story as a complete pytest module, for the fixtures of the plugin.

    Args:
        story: The story, reduced; its last move is the one that fails.
        key: The bug, which names the test.
        declared: Client tools that the page's ``Frontend`` has already.
        stubbed: Whether server tools were stubbed.
        boundary: Where the model script answers, if it has to be said.
    """
    tools = _client_tools(story, set(declared))
    clocked = key[0] == "turn-ends" or any(
        isinstance(played.move, AtOnce | Wait) or played.order or played.seconds >= _LONG for played in story
    )
    late = any(reaction.delay for reactions in tools.values() for reaction in reactions)
    body = [*(['chatkit_model.other_tools = "stub"'] if stubbed else []), *_script(story)]
    for name, reactions in tools.items():
        body += ["", *_client_tool(name, reactions)]
    body += [""] if body else []
    for index, played in enumerate(story):
        body += _expecting(played, _move_code(played), last=index == len(story) - 1)
    fixtures = ["chatkit_client", "chatkit_model", *(["chatkit_clock"] if clocked or late else [])]
    moves = [played.move for played in story]
    others = [f"chatkit_other_{move.other_user}" for move in moves if isinstance(move, Join | Pry) and move.other_user]
    fixtures += dict.fromkeys(others)
    name = re.sub(r"\W+", "_", key[0])
    marked = [] if boundary is None else [f'@pytest.mark.chatkit(boundary="{boundary}")']
    lines = [*marked, f"def test_{name}({', '.join(fixtures)}):", *(f"    {line}" if line else "" for line in body)]
    text = "\n".join(lines)
    imports = _imports(text)
    return f"{imports}\n\n\n{text}\n" if imports else f"{text}\n"


def as_file(story: Story, key: Key, test: str, found: str, run: str) -> str:
    """A test with its story above it, for a file of its own.

    Args:
        story: The story.
        key: The bug.
        test: What ``as_test`` made of it.
        found: Who found it.
        run: How to run the file.
    """
    told = [f"{key[0]}, {found}", "", *in_words(story).splitlines(), "", run]
    return "\n".join([*(f"# {line}".rstrip() for line in told), "", test])


def _imports(text: str) -> str:
    names = [name for name in _STEPS if re.search(rf"\b{name}\(", text)]
    names = [*(["ClientToolError"] if "ClientToolError(" in text else []), *names]
    lines = ["import asyncio", ""] if "asyncio." in text else []
    lines += ["import pytest"] if "@pytest." in text else []
    lines += [""] if "@pytest." in text and names else []
    lines += [f"from chatkit_sim import {', '.join(names)}"] if names else []
    lines += ["from chatkit_sim.client.frontend import Entity"] if "Entity(" in text else []
    doors = [name for name in ("forge", "two_workers") if f"{name}(" in text]
    lines += [f"from chatkit_sim.simulation import {', '.join(doors)}"] if doors else []
    return "\n".join(lines)


def _script(story: Story) -> Iterator[str]:
    lanes: dict[str | None, list[str]] = {}
    for played in story:
        for said in played.said:
            lanes.setdefault(said.agent, []).append(repr(said.step))
    for agent, steps in lanes.items():
        target = "chatkit_model" if agent is None else f"chatkit_model.agent({json.dumps(agent, ensure_ascii=False)})"
        one_line = f"{target}.script({', '.join(steps)}, exact=False)"
        if len(one_line) <= 100:
            yield one_line
        else:
            yield f"{target}.script("
            yield from (f"    {step}," for step in steps)
            yield "    exact=False,"
            yield ")"


def _client_tools(story: Story, declared: set[str]) -> dict[str, list[Reaction]]:
    tools: dict[str, list[Reaction]] = {}
    for played in story:
        for judged in played.judged:
            for stream in judged.turn.streams if judged.turn is not None else ():
                # Also one that was lost on the way: once the bug is mended it may come to the page.
                assigned = [entry.name for entry in stream.timeline.of(ClientToolAssigned)]
                for name in [item.name for _, item in stream.pending_calls] + assigned:
                    tools.setdefault(name, [])
        for reacted in played.reacted:
            tools.setdefault(reacted.tool, []).append(reacted.reaction)
    return {name: reactions for name, reactions in tools.items() if name not in declared}


def _client_tool(name: str, reactions: Sequence[Reaction]) -> Iterator[str]:
    function = name if name.isidentifier() else re.sub(r"\W", "_", f"tool_{name}")
    decorator = "@chatkit_client.client_tool" + ("" if function == name else f"(name={name!r})")
    if all(reaction == reactions[0] for reaction in reactions):
        yield decorator
        yield from _handler(function, reactions[0] if reactions else Reaction())
        return
    late = any(reaction.delay for reaction in reactions)
    values = [_result(reaction) for reaction in reactions]
    # Where the tool is called more often than it was, it goes on as it ended.
    yield f"{function}_results = iter([{', '.join(values)}])"
    if late:
        yield f"{function}_delays = iter([{', '.join(f'{reaction.delay:g}' for reaction in reactions)}])"
    yield ""
    yield decorator
    yield f"{'async ' if late else ''}def {function}(**arguments):"
    if late:
        yield f"    await asyncio.sleep(next({function}_delays, 0))"
    yield f"    result = next({function}_results, {values[-1]})"
    if any(reaction.outcome == "fails" for reaction in reactions):
        yield "    if isinstance(result, ClientToolError):"
        yield "        raise result"
    yield "    return result"


def _handler(function: str, reaction: Reaction) -> Iterator[str]:
    yield f"{'async ' if reaction.delay else ''}def {function}(**arguments):"
    if reaction.delay:
        yield f"    await asyncio.sleep({reaction.delay:g})"
    yield f"    {'raise' if reaction.outcome == 'fails' else 'return'} {_result(reaction)}"


def _result(reaction: Reaction) -> str:
    value = _literal(reaction.value)
    return f"ClientToolError({value})" if reaction.outcome == "fails" else value


def _expecting(played: Played, code: Iterable[str], *, last: bool) -> Iterator[str]:
    """What a move broke without being what the test is about does not end the test."""
    rules = list(dict.fromkeys(violation.rule for violation in played.violations))
    if last or not rules:
        yield from code
        return
    client = _name(min(played.move.clients))
    yield f"with {client}.expecting(violation={rules!r}):"
    yield from (f"    {line}" for line in code)


def _move_code(played: Played) -> Iterator[str]:
    move = played.move
    if played.order:
        yield f"chatkit_clock.order({dict(played.order)!r})"
    client = _name(move.client)
    match move:
        case AtOnce(moves=moves):
            yield "chatkit_clock.at_once("
            yield from (f"    {_part(one)}," for one in moves)
            yield ")"
        case Send(stop=None):
            yield f"{client}.send({_arguments(move)})"
        case Send(stop=stop):
            yield f"with {client}.stream({_arguments(move)}) as stream:"
            if stop is not None and stop.at == "client tool":
                yield "    for event in stream:"
                yield f"        if {_PENDING}:"
            else:
                yield "    for number, event in enumerate(stream, 1):"
                yield f"        if number == {stop.at if stop is not None else 1}:"
            how = stop.how if stop is not None else "disconnect"
            if how == "cancel":
                yield f"            stream.cancel() if {client}.view.allow_cancel else stream.disconnect()"
            else:
                yield "            stream.disconnect()"
            yield "            break"
        case Retry(back=0):
            yield f"{client}.retry()"
        case Retry(back=back):
            yield f'messages = [item.id for item in {client}.view.items if item.type == "user_message"]'
            yield f"{client}.retry(messages[-{back + 1}])"
        case NewThread(content=content):
            yield f"{client}.send({_literal(content)}, new_thread=True)"
        case Open(number=number):
            yield f'{client}.open({client}.threads(order="asc")[{number}])'
        case Forge(kind=kind):
            yield f"forge({client}, {_literal(kind)})"
        case Pry(other_user=other_user):
            yield f"{client}.check_isolation({_second_user(other_user)})"
        case Workers():
            yield f"two_workers({client})"
        case Rename(title=title):
            yield f"{client}.rename({_literal(title)})"
        case Delete():
            yield f"{client}.delete()"
        case Reload():
            yield f"{client}.reload()"
        case Feedback(kind=kind):
            yield f"{client}.feedback({_literal(kind)})"
        case Click(widget=widget, target=target, words=words):
            yield f'widgets = [item for item in {client}.view.items if item.type == "widget"]'
            named = ", ".join(f"{name}={_literal(value)}" for name, value in {**target, **words}.items())
            yield f"{client}.click(widgets[{widget}], {named})"
        case Answer(answers=answers):
            yield f"{client}.skip()" if answers is None else f"{client}.answer({_literal(answers)})"
        case Join(other_user=other_user, opens=opens):
            yield f"{client} = chatkit_client.another({_second_user(other_user)})"
            if opens:
                yield f"{client}.open(chatkit_client.thread_id)"
        case Wait(seconds=seconds):
            yield f"chatkit_clock.advance({seconds:g})"
    if played.order:
        yield "chatkit_clock.order(None)"


def _second_user(known_by: SecondUser | None) -> str:
    return f"{known_by}=chatkit_other_{known_by}" if known_by else ""


def _part(move: Move) -> str:
    client = _name(move.client)
    if isinstance(move, Send):
        return f"({client}.send, {_literal(move.content)})"
    return f"({client}.{'reload' if isinstance(move, Reload) else 'retry'},)"


def _arguments(move: Send) -> str:
    options = [f"{name}={_literal(value)}" for name, value in move.options.items()]
    if move.files:
        options.append(f"attachments=[{', '.join(_attached(file, _name(move.client)) for file in move.files)}]")
    return ", ".join([_literal(move.content), *options])


def _attached(file: File, client: str) -> str:
    name, kind = _literal(file.name), _literal(file.mime_type)
    if file.uploaded:
        content = f'b"x" * {len(file.content)}' if len(file.content) > 1 else 'b"x"'
        return f"{client}.upload({content}, name={name}, mime_type={kind})"
    size = len(file.content)
    return f'{client}.request("attachments.create", name={name}, size={size}, mime_type={kind})["id"]'


def _name(client: int) -> str:
    return _CLIENTS[client] if client < len(_CLIENTS) else f"client_{client + 1}"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
