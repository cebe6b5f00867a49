"""Classes an SQL statement by its verbs; what calls functions that we do not know is unknown."""

import re
from enum import Enum

from stationmaster.runbooks.risk.classes import Judged, Risk, cells, worst_of


class Dialect(Enum):
    """Whose quoting rules a text follows."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    OTHER = "other"


_PIECES = {
    Dialect.POSTGRES: r"(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<note>--[^\n]*|/\*.*?\*/)|"
    r"(?P<dollar>\$(\w*)\$.*?\$\5\$)",
    Dialect.MYSQL: r"(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<name>`[^`]*`)|(?P<note>--\s[^\n]*|"
    r"/\*(?![!+]).*?\*/)",
    Dialect.OTHER: r"(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<note>--\s[^\n]*|/\*(?![!+]).*?\*/)",
}
_VERBS: dict[str, Risk] = {
    **dict.fromkeys(cells("SELECT SHOW EXPLAIN DESCRIBE DESC WITH TABLE VALUES USE HELP EXISTS"), Risk.READ),
    **dict.fromkeys(
        cells(
            """
            INSERT UPDATE ALTER CREATE SET RESET GRANT REVOKE VACUUM ANALYZE REINDEX RENAME OPTIMIZE REPAIR FLUSH KILL
            START STOP CHANGE LOCK UNLOCK BEGIN COMMIT ROLLBACK ABORT END SAVEPOINT CHECKPOINT CLUSTER COMMENT NOTIFY
            LISTEN MERGE REPLACE REFRESH DISCARD ATTACH DETACH SYSTEM PAUSE RESUME RELOAD RECONNECT ENABLE DISABLE
            SUSPEND EXCHANGE
            """
        ),
        Risk.CHANGE,
    ),
    **dict.fromkeys(cells("DELETE DROP TRUNCATE PURGE SHUTDOWN"), Risk.DESTROY),
}
_WRITING = re.compile(
    r"\b(INSERT|UPDATE|DELETE|DROP|TRUNCATE|ALTER|CREATE|GRANT|REVOKE|MERGE|INTO|COPY|CALL|DO|OUTFILE|DUMPFILE|LOCK)\b",
    re.IGNORECASE,
)
_CALL = re.compile(r"([A-Za-z_\u0080-\uffff\"][\w.\"$\u0080-\uffff]*)\s*\(")
_PURE = cells(
    """
    count sum avg min max now version current_database current_schema current_user current_date
    current_timestamp current_setting pg_size_pretty pg_database_size pg_total_relation_size pg_relation_size
    pg_table_size pg_indexes_size pg_is_in_recovery pg_last_wal_receive_lsn pg_last_wal_replay_lsn
    pg_last_xact_replay_timestamp pg_current_wal_lsn pg_wal_lsn_diff pg_xlog_location_diff
    pg_current_xlog_location pg_last_xlog_receive_location pg_last_xlog_replay_location pg_blocking_pids
    pg_backend_pid pg_postmaster_start_time pg_get_indexdef pg_get_constraintdef pg_get_viewdef
    pg_encoding_to_char pg_stat_get_activity pg_ls_waldir txid_current_if_assigned coalesce nullif round floor
    ceil ceiling abs extract epoch date_trunc date_part age in and or not where exists from as on values any all
    some lower upper length char_length substring substr trim ltrim rtrim left right concat concat_ws string_agg
    array_agg group_concat json_agg row_number rank dense_rank lag lead first_value last_value ntile interval
    over by to_char to_timestamp to_date cast greatest least if ifnull isnull case when then else using filter
    distinct partition over sum format replace split_part position strpos regexp_replace regexp_matches array
    unnest generate_series date datediff timestampdiff unix_timestamp from_unixtime curdate database schema user
    format_bytes format_pg_time bytea decimal numeric varchar char int like ilike between union intersect except
    select having order limit join tohour todate tostartofhour tostartofminute formatreadablesize
    formatreadablequantity uniq quantile any topk having lateral oid regclass json_extract json_value mod
    percentile_cont within group hostname row_to_json to_json jsonb_array_length array_length md5
    obj_description col_description
    """
)


def risk_of_sql(text: str, dialect: Dialect = Dialect.POSTGRES) -> Judged:
    """The class of a text of statements separated by `;`: the worst one wins."""
    if dialect is Dialect.MYSQL:
        text = re.sub(r"\\G\s*;?\s*$", ";", text)
    if "\\" in text:
        return _client_command(text)
    bare = re.sub(_PIECES[dialect], _bare, text, flags=re.DOTALL)
    if re.search(r"'(?!')|--|/\*|#|\$\$|`", bare.replace("''", "")) or bare.replace('"q"', "").count('"'):
        return Risk.UNKNOWN, "has an open quote or comment"
    judged = [_statement(part) for part in bare.split(";") if part.strip()]
    return worst_of(judged) if judged else (Risk.UNKNOWN, "holds no statement")


def _bare(match: re.Match[str]) -> str:
    if match["text"] is not None or match.groupdict().get("dollar") is not None:
        return "''"
    return '"q"' if match["name"] is not None else " "


def _client_command(text: str) -> Judged:
    known = re.fullmatch(r"\s*\\(?:d[a-zA-Z+]*|l\+?|z|conninfo|timing(?: on)?|x|du)(?:\s+[\w.*]+)?\s*;?\s*", text)
    return (Risk.READ, "lists objects") if known else (Risk.UNKNOWN, "holds a command of the client, or a backslash")


def _statement(text: str) -> Judged:
    verb = re.split(r"[\s(]", text.strip(" \n\t("), maxsplit=1)[0].upper()
    risk = _VERBS.get(verb, Risk.UNKNOWN)
    if risk is Risk.UNKNOWN:
        return risk, f"runs `{verb}`, which is not known"
    if verb == "ALTER" and re.search(r"\bDROP\b", text, re.IGNORECASE):
        return Risk.DESTROY, "drops a part of a table"
    if (verb == "ALTER" and re.search(r"\bDELETE\b", text, re.IGNORECASE)) or re.match(
        r"\W*RESET\s+(?:MASTER|BINARY|SLAVE|REPLICA)", text, re.IGNORECASE
    ):
        return Risk.DESTROY, f"runs {verb}, which drops rows or logs"
    if verb == "UPDATE" and not re.search(r"\bWHERE\b", text, re.IGNORECASE):
        return Risk.DESTROY, "runs UPDATE on every row"
    if risk is not Risk.READ:
        return risk, f"runs {verb}"
    if verb == "EXPLAIN" and re.search(r"\bANALYZE\b", text, re.IGNORECASE):
        inner = re.sub(r"^\W*EXPLAIN\s*(?:\([^)]*\)|(?:ANALYZE|VERBOSE|\s)+)\s*", "", text, flags=re.IGNORECASE)
        return _statement(inner) if inner.strip() else (Risk.UNKNOWN, "explains nothing")
    hidden = [match[1].upper() for match in _WRITING.finditer(text)]
    if hidden and not (verb == "SHOW" and re.match(r"\W*SHOW\s+CREATE\s", text, re.IGNORECASE) and len(hidden) == 1):
        return worst_of([(_VERBS.get(each, Risk.CHANGE), f"runs {each} within {verb}") for each in hidden])
    strange = [name for name in _CALL.findall(text) if name.lower().removeprefix("pg_catalog.") not in _PURE]
    if strange:
        return _called(strange[0].lower())
    return Risk.READ, f"only runs {verb}"


def _called(name: str) -> Judged:
    if name in {"pg_terminate_backend", "pg_cancel_backend", "pg_reload_conf", "pg_switch_wal", "nextval", "setval"}:
        return Risk.CHANGE, f"calls {name}()"
    return Risk.UNKNOWN, f"calls {name}(), which may do anything"
