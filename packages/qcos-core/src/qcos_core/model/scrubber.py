"""Take known secrets out of texts, errors and data that others wrote."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, quote_plus

from qcos_core.errors import PartialResult, QCOSError
from qcos_core.model.redaction import REDACTED, logins
from qcos_core.model.secrets import Secret

_E = TypeVar("_E", bound=QCOSError)

MIN_LENGTH = 6
"""Shorter secrets are not looked for: they would mask ordinary words and numbers."""


class Scrubber:
    """Replaces secrets by ``***`` wherever they stand in a text.

    A secret is found as it is, line by line if it has several, and as it stands in a ``repr``, in
    JSON, in a URL and in base64, such as the header ``Authorization: Basic``. It is not found
    where it was cut short, broken over lines or changed in any other way, nor where it has fewer
    than six characters.

    Args:
        values: the secrets: text, bytes and numbers; anything else is passed over.
    """

    def __init__(self, values: Iterable[Any]) -> None:
        texts = {text for value in values for text in _texts(value)}
        forms = {form for text in texts if len(text.strip()) >= MIN_LENGTH for form in _forms(text)}
        # the longest first, because a secret may begin with another one
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def scrub(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text

    def scrub_json(self, data: Any) -> Any:
        """A copy of JSON-like data without the secrets, in names and in values.

        Each :class:`Secret` is masked, however short.
        """
        if type(data) is str:
            return self.scrub(data)
        if isinstance(data, Secret):
            return REDACTED
        if isinstance(data, str):
            return self.scrub(data)
        if isinstance(data, Mapping):
            return {self.scrub_json(name): self.scrub_json(item) for name, item in data.items()}
        if type(data) in {list, tuple}:
            return type(data)(self.scrub_json(item) for item in data)
        return data

    def scrub_error(self, error: _E) -> _E:
        """Take the secrets out of an error's message, hint, node, notes and other attributes.

        Its cause and context are kept, for they help, unless one of them quotes a secret. Raise
        the error outside of ``except``, or Python makes what is handled there its context.

        Returns:
            The same error.
        """
        if self._pattern is None:
            return error
        if any(self._quoted_by(other) for other in _behind(error)):
            error.__cause__ = error.__context__ = None
            error.add_note("Its cause is not shown: it quotes a secret.")
        error.args = self.scrub_json(error.args)
        for name, value in list(vars(error).items()):
            setattr(error, name, self.scrub_json(value))
        if isinstance(error, PartialResult):
            for part in error.errors.values():
                self.scrub_error(part)
        return error

    def _quoted_by(self, error: BaseException) -> bool:
        try:
            notes = getattr(error, "__notes__", ())
            text = "\n".join([str(error), repr(error), repr(error.args), repr(notes), *notes])
        # other people's code: what cannot be read may hold anything
        except Exception:  # noqa: BLE001
            return True
        return self._pattern is not None and self._pattern.search(text) is not None

    def __reduce__(self) -> NoReturn:
        message = "a scrubber is never pickled: it knows secrets"
        raise TypeError(message)


def _behind(error: BaseException) -> Iterator[BaseException]:
    """What an error came from: causes, contexts, and the members of groups."""
    seen, waiting = {id(error)}, [error]
    while waiting:
        at = waiting.pop()
        members = at.exceptions if isinstance(at, BaseExceptionGroup) else ()
        for other in (at.__cause__, at.__context__, *members):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
                yield other


def _texts(value: Any) -> Iterator[str]:
    """A secret as text, and the parts of it that may stand alone."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    elif isinstance(value, (int, float)):
        value = str(value)
    if isinstance(value, str):
        yield str(value)
        yield from (line.strip() for line in value.splitlines())
        yield from logins(value)


def _forms(text: str) -> Iterator[str]:
    """How a text appears in a message."""
    raw = text.encode("utf-8", "surrogatepass")
    yield text
    yield from (repr(text)[1:-1], repr(raw)[2:-1])
    yield from (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    yield from (quote(raw), quote(raw, safe=""), quote_plus(raw))
    # what stands before it shifts its base64; the characters shared with neighbours are left out
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode("ascii")
        inner = encoded[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))
