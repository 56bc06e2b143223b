"""The one error of every provider: an embedder or a generator that could not do its work."""


class ProviderError(Exception):
    """What went wrong, in a sentence for people; `temporary` when trying again later may help.

    `private`: only whoever runs the site can mend it, so the message is for them.
    """

    def __init__(self, message: str, *, temporary: bool, private: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.private = private
