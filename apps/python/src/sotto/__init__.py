"""A client of Sotto's daemon: private peer-to-peer messages, for programs.

    import sotto

    with sotto.Client() as client:
        client.send("bob", "Hello, Bob.", wait="delivered")
        for message in client.receive().messages:
            print(message.petname or message.from_, message.text)

`Client` blocks; `AsyncClient` is for asyncio. Both have every method of the daemon's API. `sotto.errors` has an exception
for each kind of error, and `sotto.chat` the classes of programs that were written for skchat.
"""

from . import errors
from ._api import *  # noqa: F403
from ._api import API_VERSION as __version__
from ._api import __all__ as _api_names
from ._error import SottoError
from ._profile import ProgramNotFoundError, data_folder, find_program, socket_path
from .aio import AsyncClient, AsyncEventStream
from .client import Client, EventStream

__all__ = [
    "AsyncClient",
    "AsyncEventStream",
    "Client",
    "EventStream",
    "ProgramNotFoundError",
    "SottoError",
    "__version__",
    "data_folder",
    "errors",
    "find_program",
    "socket_path",
    *_api_names,
]
