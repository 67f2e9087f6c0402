"""A plan, or several, in words: for people, programs and pull requests."""

from .text import describe_engine, only, render_text, step_lines, summary, verdict

__all__ = [
    "describe_engine",
    "only",
    "render_text",
    "step_lines",
    "summary",
    "verdict",
]
