"""What the service needs of the machine: a free port, open files, a log on stderr."""

import contextlib
import logging
import resource
import socket
import sys

import structlog

from tidings.app.descriptors import LEAST
from tidings.settings.settings import Settings

_MANY = 1 << 20


def port_refusal(settings: Settings) -> str | None:
    """Say why the port cannot be had, or return None. Asked before anything is opened: the server
    listens last."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except socket.gaierror as error:
            return (
                f"--host must be an address of this machine; got {settings.host}: "
                f"{error.strerror or error}. Write 127.0.0.1, or 0.0.0.0 for all."
            )
        except OSError as error:
            return (
                f"{settings.host} port {settings.port} must be free to listen on; got: "
                f"{error.strerror or error}. Stop what listens there, or take another with --port."
            )
    return None


def raise_file_limit() -> None:
    """Raise the soft limit of open files to what the system admits: each attempt under way holds
    one. A system that refuses it keeps its limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def file_limit() -> int:
    """Return how many open files this process may have now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MANY if soft == resource.RLIM_INFINITY else soft


def file_refusal(least: int = LEAST) -> str | None:
    """Say why nothing can be served under this limit of open files, or return None."""
    if (limit := file_limit()) >= least:
        return None
    return (
        f"The limit of open files must be at least {least}; got {limit}. Raise it: ulimit -n 65536."
    )


def log_to_stderr(level: str) -> None:
    raise_file_limit()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
