"""`make run`: forty sample calls and their journey through the four services."""

from stack.demo.command import main

__all__ = ["main"]
