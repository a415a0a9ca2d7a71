"""A stand-in of OpenAI's API on this machine: real HTTP, random ids, and whatever a real answer carries besides."""

from __future__ import annotations

import http.server
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KEY = "sk-proj-abcDEF123456789abcDEF"


class StandIn(http.server.BaseHTTPRequestHandler):
    """Answers every question by repeating it, or by calling the first tool that is offered."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["authorization"] != f"Bearer {KEY}":
            return self._whole(401, {"error": {"message": f"Incorrect API key: {self.headers['authorization']}"}})
        self.server.asked.append(body)  # type: ignore[attr-defined]
        answer = self._chat(body) if self.path.endswith("/chat/completions") else self._responses(body)
        if not body.get("stream"):
            return self._whole(200, answer[-1]["response"] if "response" in answer[-1] else answer[-1])
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        names = [f"event: {one['type']}\n" if "type" in one else "" for one in answer]
        frames = [f"{name}data: {json.dumps(one)}\n\n" for name, one in zip(names, answer, strict=True)]
        for frame in [*frames, *(["data: [DONE]\n\n"] if "choices" in answer[0] else [])]:
            self.wfile.write(f"{len(frame.encode()):x}\r\n{frame}\r\n".encode())
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _responses(self, body: dict) -> list[dict]:
        response = {
            "id": f"resp_{secrets.token_hex(12)}",
            "object": "response",
            "created_at": 1_760_000_000,
            "model": body["model"],
            "status": "completed",
            "instructions": body.get("instructions"),
            "tools": body.get("tools", []),
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "service_tier": "default",
            "prompt_cache_key": secrets.token_hex(8),
            "output": [],
        }
        answered = isinstance(body["input"], list) and body["input"][-1].get("type") == "function_call_output"
        if body.get("tools") and not answered:
            name = body["tools"][0]["name"]
            item = {
                "type": "function_call",
                "id": f"fc_{secrets.token_hex(12)}",
                "call_id": f"call_{secrets.token_hex(12)}",
                "name": name,
                "arguments": '{"item": "milk"}',
                "status": "completed",
            }
            middle = []
        else:
            text = f"The key is {KEY}." if "secret" in json.dumps(body["input"]) else "All done."
            part = {"type": "output_text", "text": text, "annotations": []}
            id_ = f"msg_{secrets.token_hex(12)}"
            item = {"type": "message", "id": id_, "role": "assistant", "status": "completed", "content": [part]}
            where = {"item_id": id_, "output_index": 0, "content_index": 0}
            middle = [
                {"type": "response.content_part.added", "part": {**part, "text": ""}, **where},
                {"type": "response.output_text.delta", "delta": text, "obfuscation": secrets.token_hex(4), **where},
                {"type": "response.output_text.done", "text": text, **where},
                {"type": "response.content_part.done", "part": part, **where},
            ]
        begun = {**item, "status": "in_progress"} | ({"content": []} if "content" in item else {"arguments": ""})
        events = [
            {"type": "response.created", "response": {**response, "status": "in_progress"}},
            {"type": "response.output_item.added", "output_index": 0, "item": begun},
            *middle,
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {**response, "output": [item]}},
        ]
        return [{**event, "sequence_number": number} for number, event in enumerate(events)]

    def _chat(self, body: dict) -> list[dict]:
        head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": 1_760_000_000,
            "model": body["model"],
            "system_fingerprint": secrets.token_hex(4),
        }
        if not body.get("stream"):
            message = {"role": "assistant", "content": "All done."}
            return [{**head, "object": "chat.completion", "choices": [{"index": 0, "message": message}]}]
        deltas = [({"role": "assistant", "content": ""}, None), ({"content": "All done."}, None), ({}, "stop")]
        return [
            {
                **head,
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            }
            for delta, reason in deltas
        ]

    def _whole(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def standing_in() -> Iterator[tuple[str, list[dict]]]:
    """The base URL of a stand-in, and what it is asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
