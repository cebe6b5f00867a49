"""Finds the conditions that compare an output with a literal: "if the pod is `Pending`", "if usage exceeds 90%"."""

import re

from stationmaster.runbooks.read.words import ENGLISH, Words, cells

_IF = re.compile(
    r"(?P<word>\b(?:if|in case|unless)|^\W*when)\b(?P<subject>[^,;:]{1,90}?)\b(?P<verb>is|are|isn't|aren't|shows?"
    r"|contains?|returns?"
    r"|indicates?|says?|reads?|equals?|set|have|has|reports?"
    r"|displays?|includes?|see|exceeds?|above|below|over|under|greater|less|more|fewer|remains?|reach(?:es)?"
    r"|gets?|got|receive|exits?|goes|found|matches|not|doesn't|do|does)\b(?P<rest>(?:(?!\bthen\b|\blevel \d"
    r"|\bstep \d)[^,;]){0,80})",
    ENGLISH,
)
_QUOTED = r"[\"“][^\"”]+[\"”]|'[^']+'|`[^`]+`"
_STATE = (
    r"(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|OOMKilled|Pending|Running|Terminating|Unknown|NotReady"
    r"|Ready|Evicted|Failed|Completed|Available|Degraded|Error|Unhealthy|Healthy|Bound|Active|Inactive|MemoryPressure"
    r"|DiskPressure|PIDPressure|FailedScheduling|FailedMount|FailedAttachVolume|ContainerCreating|ACTIVE"
    r"|FAILED|RUNNING|PENDING|STOPPED|REJECT|ALARM|SERVFAIL|NXDOMAIN|TIME_WAIT|CLOSE_WAIT"
    r"|CREATING|UPDATING|DELETING|STARTING|STOPPING|UNHEALTHY|UNAVAILABLE|INACTIVE|DISABLED|SUCCEEDED)\b"
)
_LITERAL = re.compile(
    rf"(?<![\w-])(?:{_QUOTED}|[<>]=?\s*\d|\d+(?:\.\d+)?\s?%|zero\b|\b[1-5]\d\d\b"
    rf"|\b\d+\b(?! ?(?:min|sec|hour|day|week|ms\b|m\b|s\b|h\b))|{_STATE})"
)
_MEANS = re.compile(
    rf"(?:(?<![\w-]){_STATE}|\"[^\"]+\")[^.,;:]{{0,40}}? (?:indicates?|means?|suggests?|implies|points? to)\b|\b(?:if"
    rf"|when) {_STATE}"
)
_INPUT = re.compile(
    r"\b(?:labels?|(?:you|we)(?! (?:see|get|find|notice|observe))|severity|your|alert|environment|version|region)\b",
    ENGLISH,
)
_PLACE = re.compile(
    r"(?<!\bis )(?<!\bare )\b(?:in|on|from|at|under|with) (?:the |your )?$|\b(?:increased|decreased|raised"
    r"|lowered) to $",
    ENGLISH,
)
"""Before a literal that only says where: "if there are errors in the `Logs`"."""
_COMPARED = re.compile(
    r"^\W*if\b[^.,;:]{2,60}?[<>]=?\s*\d|\b(?:is|are) (?:(?:over|under|above|below|at least"
    r"|at most) )?[<>~≈]=?\s*\d|\s~0\b"
)
_MEANING = cells("indicate indicates mean means suggest suggests implies point points if when")
_MARKS = re.compile("[\"\u201c'`0-9]")
_STATES = cells(
    "crashloopbackoff imagepullbackoff errimagepull oomkilled pending running terminating unknown notready ready"
    " evicted failed completed available degraded error unhealthy healthy bound active inactive"
    " memorypressure diskpressure pidpressure failedscheduling failedmount failedattachvolume containercreating stopped"
    " reject alarm servfail nxdomain wait zero creating"
    " updating deleting starting stopping unavailable disabled succeeded"
)
"""Of these or of the marks above every literal holds one."""
_TESTING = cells("if unless case when")


def tested_literal(sentence: str, words: Words, *, instructed: bool) -> str:
    """The words of the comparison; empty where there is none."""
    if not (words & _STATES or _MARKS.search(sentence)):
        return ""
    if instructed and (match := _COMPARED.search(sentence)):
        return match[0]
    if instructed and words & _MEANING and (match := _MEANS.search(sentence)):
        return match[0]
    if not words & _TESTING:
        return ""
    for match in _IF.finditer(sentence):
        if not instructed and match.start() > _NEAR_START:
            continue
        if _INPUT.search(match["subject"] + match["verb"]):
            continue
        if any(not _PLACE.search(match["rest"][: each.start()]) for each in _LITERAL.finditer(match["rest"])):
            return match[0]
    return ""


_NEAR_START = 12
