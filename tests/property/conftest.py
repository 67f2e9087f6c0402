"""The engines of the e2e tests, for those properties that are replayed on one."""

from tests.e2e.conftest import engine_info, host, image

__all__ = ["engine_info", "host", "image"]
