"""The face of templates: compiled once, expanded for every alert."""

from dataclasses import dataclass

from stationmaster.monitor.alerting.template.errors import TemplateError
from stationmaster.monitor.alerting.template.functions import FUNCTIONS, Surroundings
from stationmaster.monitor.alerting.template.nodes import Text, Tree
from stationmaster.monitor.alerting.template.parse import parse
from stationmaster.monitor.alerting.template.run import Run
from stationmaster.monitor.alerting.template.values import Data

_BEFORE = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
"""What Prometheus puts before every template; it counts in the columns of errors."""


@dataclass(frozen=True, slots=True)
class Template:
    """`name` is the alert's; it stands in errors."""

    name: str
    tree: Tree

    def expand(self, data: Data, given: Surroundings) -> str:
        """Raises TemplateError."""
        try:
            return Run(self.tree, self.name, given).whole(data)
        except TemplateError as error:
            raise TemplateError(f"error executing template {self.name}: {error}") from error

    @property
    def plain(self) -> str | None:
        """Its text, where that does not depend on anything."""
        nodes = self.tree.bodies[""][4:]
        if not nodes:
            return ""
        return nodes[0].text if len(nodes) == 1 and isinstance(nodes[0], Text) else None


def compile_template(text: str, alert: str) -> Template:
    """Raises TemplateError, as `template: __alert_Name:1: function "nope" not defined`."""
    name = f"__alert_{alert}"
    try:
        return Template(name, parse(_BEFORE + text, FUNCTIONS.keys()))
    except TemplateError as error:
        raise TemplateError(f"template: {name}:{error}") from error
