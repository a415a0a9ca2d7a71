"""Bytes in chunks of any size become the payloads of frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_sim.wire import FrameDecoder


def test_a_chunk_that_is_one_frame_is_its_payload():
    assert FrameDecoder().feed(b'data: {"a":1}\n\n') == [b'{"a":1}']


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])), max_size=4), st.data())
def test_any_cut_of_the_bytes_gives_the_same_payloads(texts, data):
    payloads = [text.encode() for text in texts]
    body = b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
    decoder = FrameDecoder()
    found = []
    while body:
        cut = data.draw(st.integers(1, len(body)))
        found += decoder.feed(body[:cut])
        body = body[cut:]
    assert found == payloads
    assert decoder.finish() == b""


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_is_understood(newline):
    body = b": a comment" + newline + b"event: x" + newline + b"data: 1" + newline + b"data:2" + newline + newline
    assert FrameDecoder().feed(body) == [b"1\n2"]


def test_a_carriage_return_and_its_newline_may_come_in_two_chunks():
    decoder = FrameDecoder()
    assert decoder.feed(b"data: 1\r") == []
    assert decoder.feed(b"\n\r") == [b"1"]
    assert decoder.feed(b"\ndata: 2\n\n") == [b"2"]


def test_several_frames_in_one_chunk():
    assert FrameDecoder().feed(b"data: 1\n\ndata: 2\n\n") == [b"1", b"2"]


def test_what_is_left_of_a_cut_frame_is_kept():
    decoder = FrameDecoder()
    decoder.feed(b'data: {"type":"noti')
    assert decoder.finish() == b'data: {"type":"noti'
