"""Classes an SQL statement by its verbs; what calls functions that we do not know is unknown."""

import re

from stationmaster.runbooks.risk_table import Risk, cells, worst

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.DOTALL)
_VERBS: dict[str, Risk] = {
    "SELECT": Risk.READ,
    "SHOW": Risk.READ,
    "EXPLAIN": Risk.READ,
    "DESCRIBE": Risk.READ,
    "WITH": Risk.READ,
    "TABLE": Risk.READ,
    "VALUES": Risk.READ,
    "INSERT": Risk.CHANGE,
    "UPDATE": Risk.CHANGE,
    "ALTER": Risk.CHANGE,
    "CREATE": Risk.CHANGE,
    "SET": Risk.CHANGE,
    "RESET": Risk.CHANGE,
    "GRANT": Risk.CHANGE,
    "REVOKE": Risk.CHANGE,
    "VACUUM": Risk.CHANGE,
    "ANALYZE": Risk.CHANGE,
    "REINDEX": Risk.CHANGE,
    "DELETE": Risk.DESTROY,
    "DROP": Risk.DESTROY,
    "TRUNCATE": Risk.DESTROY,
}
_WRITING = re.compile(
    r"\b(INSERT|UPDATE|DELETE|DROP|TRUNCATE|ALTER|CREATE|GRANT|REVOKE|MERGE|INTO|COPY|CALL|DO)\b", re.IGNORECASE
)
_CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_PURE = cells(
    """
        count sum avg min max now version current_database pg_size_pretty pg_database_size
        pg_total_relation_size pg_relation_size pg_is_in_recovery pg_last_wal_receive_lsn pg_last_wal_replay_lsn
        coalesce round extract date_trunc age in and or not where exists from as on values any all lower upper
        length substring interval over by
        """
)


def risk_of_sql(text: str) -> tuple[Risk, str]:
    """The class of a text of statements separated by `;`: the worst one wins."""
    if "\\" in text:
        known = re.fullmatch(r"\s*\\(?:d[a-zA-Z+]*|l\+?|dt\+?|conninfo)(?:\s+[\w.*]+)?\s*", text)
        return (Risk.READ, "lists objects") if known else (Risk.UNKNOWN, "holds a command of the client")
    bare = _QUOTED.sub(" '' ", text)
    if "'" in bare.replace(" '' ", " ") or '"' in bare:
        return Risk.UNKNOWN, "has an open quote"
    judged = [_statement(part) for part in bare.split(";") if part.strip()]
    if not judged:
        return Risk.UNKNOWN, "holds no statement"
    risk = worst(*(each[0] for each in judged))
    return next(each for each in judged if each[0] is risk)


def _statement(text: str) -> tuple[Risk, str]:
    verb = text.split(maxsplit=1)[0].upper().strip("(")
    risk = _VERBS.get(verb, Risk.UNKNOWN)
    if risk is not Risk.READ:
        return risk, f"runs {verb}"
    if verb == "EXPLAIN" and re.search(r"\bANALYZE\b", text, re.IGNORECASE):
        return Risk.UNKNOWN, "EXPLAIN ANALYZE runs its statement"
    hidden = [match[1].upper() for match in _WRITING.finditer(text)]
    if hidden:
        return worst(*(_VERBS.get(each, Risk.CHANGE) for each in hidden)), f"runs {hidden[0]} within {verb}"
    strange = [name for name in _CALL.findall(text) if name.lower() not in _PURE]
    if strange:
        return Risk.UNKNOWN, f"calls {strange[0]}(), which may do anything"
    return Risk.READ, f"only runs {verb}"
