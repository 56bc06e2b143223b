"""Frames: what a browser may say, and what it hears."""

import json

import pytest

from streaming.protocol import Done, Follow, Pace, Piece, ProtocolError, Status, Stop, parse, render


def test_follow_names_a_position() -> None:
    assert parse('{"type": "follow", "at": 12}') == Follow(12)


def test_stop_needs_nothing_else() -> None:
    assert parse('{"type": "stop"}') == Stop()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 2000, "not JSON"),
        ("12", "“type”"),
        ("[]", "“type”"),
        ('{"type": "shout"}', "“type”"),
        ('{"type": ["follow"]}', "“type”"),
        ('{"type": "follow"}', "“at”"),
        ('{"type": "follow", "at": -1}', "“at”"),
        ('{"type": "follow", "at": "3"}', "“at”"),
        ('{"type": "follow", "at": true}', "“at”"),
        ('{"type": "follow", "at": 1.5}', "“at”"),
        ('{"type": "follow", "at": 99999999999}', "“at”"),
    ],
)
def test_anything_else_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        parse(text)


def test_frames_carry_text_as_it_is() -> None:
    assert json.loads(render(Piece(3, 'ü🚀 "<b>\n'))) == {"type": "token", "at": 3, "text": 'ü🚀 "<b>\n'}
    assert json.loads(render(Status(0, "Looking for sources."))) == {
        "type": "status",
        "at": 0,
        "text": "Looking for sources.",
    }
    assert json.loads(render(Done(7, "answered"))) == {"type": "done", "at": 7, "state": "answered"}


def test_a_token_frame_adds_fewer_than_48_bytes() -> None:
    assert len(render(Piece(1_234_567, "word "))) - len("word ") < 48


def test_a_socket_may_send_twenty_frames_in_ten_seconds() -> None:
    pace = Pace()
    assert all(pace.allows(number * 0.1) for number in range(20))
    assert not pace.allows(2.0)
    assert pace.allows(100.0)
