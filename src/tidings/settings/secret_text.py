"""Texts of settings that nobody is shown."""


class SecretText:
    """A text that no log, error or repr shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class HeaderSecret(SecretText):
    """The secret value of a header; it may hold spaces, as `Basic dGls…` does."""

    __slots__ = ()
