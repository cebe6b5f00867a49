"""How a template is refused or fails."""


class TemplateError(Exception):
    """`str()` of it says why, in the words of Go's text/template as far as those are known."""


class CallError(Exception):
    """A function that fails; the text says why."""
