"""`make feed FILE=…`: calls or narratives from a JSONL file into the running stack, each row's fate told."""

from stack.feed.command import main, run

__all__ = ["main", "run"]
