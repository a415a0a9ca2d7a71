"""Hypothesis strategies for what users do, what pages answer and what models say; all of them compose."""

from .model import Offer, answer_steps, model_steps, thoughts, tool_arguments, upstream_steps, wrong_steps
from .page import client_tool_results, page_reactions, wrong_client_tool_results
from .user import departures, files, send_options, structured_answers, titles, user_messages, widget_clicks

__all__ = [
    "Offer",
    "answer_steps",
    "client_tool_results",
    "departures",
    "files",
    "model_steps",
    "page_reactions",
    "send_options",
    "structured_answers",
    "thoughts",
    "titles",
    "tool_arguments",
    "upstream_steps",
    "user_messages",
    "widget_clicks",
    "wrong_client_tool_results",
    "wrong_steps",
]
