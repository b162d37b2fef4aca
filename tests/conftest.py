"""Fixtures that every test may use: the real servers."""

from support.stack import database, kafka_server, postgres_server, test_folder

__all__ = ["database", "kafka_server", "postgres_server", "test_folder"]
