"""The exceptions that calls raise: one class for each kind of error."""

from ._error import SottoError
from ._kinds import *  # noqa: F403
from ._kinds import __all__ as _kinds
from ._profile import ProgramNotFoundError

__all__ = ["ProgramNotFoundError", "SottoError", *_kinds]
