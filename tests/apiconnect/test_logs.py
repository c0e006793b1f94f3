"""Logs: secrets masked, tracebacks whole and without local variables, in both forms."""

import json
import logging
import logging.config
from io import StringIO

import pytest
import structlog

from apiconnect.logs import logging_config


@pytest.fixture(params=[True, False], ids=["laptop", "production"])
def lines(request):
    """What the handler of this form writes."""
    config = logging_config(debug=request.param, level="INFO")
    formatter = logging.config.DictConfigurator(config).configure_formatter(
        config["formatters"]["structured"]
    )
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("tests.logs")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    logger.propagate = False
    yield stream.getvalue
    logger.removeHandler(handler)


def fail():
    client_secret = "hunter2" * 2
    raise KeyError("tenant_id" if client_secret else "")


def test_a_secret_is_masked_by_its_name(lines):
    structlog.get_logger("tests.logs").info("key made", client_secret="hunter2", email="a@b.example")
    written = lines()
    assert "hunter2" not in written
    assert "a@b.example" in written


def test_a_traceback_is_whole_and_shows_no_local_variable(lines):
    logger = structlog.get_logger("tests.logs")
    try:
        fail()
    except KeyError:
        logger.exception("it failed")
        logging.getLogger("tests.logs").exception("it failed too")
    written = lines()
    assert written.count("KeyError") >= 2
    assert "in fail" in written
    assert "hunter2hunter2" not in written
    for line in written.splitlines():
        if line.startswith("{"):
            assert "in fail" in json.loads(line)["exception"]
