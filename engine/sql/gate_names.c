#include "sql/gate_names.h"

#include <stddef.h>
#include <string.h>

#include "base/banned.h"

static bool listed(const char *const *list, const char *name) {
    for (; *list; list++) {
        if (strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

static bool starts(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *name, const char *suffix) {
    size_t n = strlen(name), s = strlen(suffix);
    return n >= s && strcmp(name + n - s, suffix) == 0;
}

static bool starts_any(const char *const *list, const char *name) {
    for (; *list; list++) {
        if (starts(name, *list))
            return true;
    }
    return false;
}

bool nl_gate_function_denied(const char *name) {
    static const char *const fine[] = {
        "pg_typeof",        "pg_size_pretty", "pg_size_bytes", "pg_column_size",
        "pg_collation_for", "regconfig",      "regdictionary", NULL,
    };
    static const char *const fine_prefixes[] = { "regexp_", "regr_", NULL };
    static const char *const prefixes[] = {
        "pg_",        "has_",           "lo_",    "reg",         "to_reg",
        "acl",        "txid_",          "dblink", "inet_server", "inet_client",
        "current_",   "binary_upgrade", "fmgr_",  "plpgsql_",    "session_",
        "amvalidate", "brin_",          "gin_",   NULL,
    };
    static const char *const suffixes[] = { "_recv", "_send",      "_in",      "_out", "recv",
                                            "send",  "_validator", "_handler", NULL };
    static const char *const names[] = {
        "version",
        "getpgusername",
        "getdatabaseencoding",
        "col_description",
        "obj_description",
        "shobj_description",
        "row_security_active",
        "makeaclitem",
        "ts_stat",
        "ts_rewrite",
        "set_config",
        "setseed",
        "loread",
        "lowrite",
        "lastval",
        "currval",
        "nextval",
        "setval",
        "satisfies_hash_partition",
        "currtid2",
        "mxid_age",
        "system_user",
        NULL,
    };
    if (listed(fine, name) || starts_any(fine_prefixes, name))
        return false;
    if (starts_any(prefixes, name) || listed(names, name) || strstr(name, "_to_xml"))
        return true;
    for (const char *const *s = suffixes; *s; s++) {
        if (ends(name, *s))
            return true;
    }
    return false;
}

bool nl_gate_function_harmless(const char *name) {
    static const char *const names[] = {
        "random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid",
        "uuidv4", "uuidv7",        "timezone", /* of a timetz, before version 14 */
        NULL
    };
    return listed(names, name);
}

bool nl_gate_function_informs(const char *name) {
    static const char *const prefixes[] = { "current_", "session_", "has_", NULL };
    return starts_any(prefixes, name) || strcmp(name, "pg_has_role") == 0 ||
           strcmp(name, "row_security_active") == 0;
}

bool nl_gate_function_coerces(const char *name, int server_version_num) {
    static const char *const names[] = { "json_populate_record",  "json_populate_recordset",
                                         "jsonb_populate_record", "jsonb_populate_recordset",
                                         "populate_record",       NULL };
    /* of anyelement before version 14, of anycompatible since, which looks through domains */
    static const char *const older[] = { "array_append",
                                         "array_prepend",
                                         "array_replace",
                                         "array_remove",
                                         "array_cat",
                                         "array_position",
                                         "array_positions",
                                         "lag",
                                         "lead",
                                         "width_bucket",
                                         NULL };
    return listed(names, name) || (server_version_num < 140000 && listed(older, name));
}

bool nl_gate_field_own(const char *name) {
    static const char *const names[] = { "key",     "value",       "ordinality", "lexeme",
                                         "weights", "positions",   "tokid",      "token",
                                         "alias",   "description", NULL };
    return listed(names, name);
}

bool nl_gate_type_denied(const char *name) {
    if (strcmp(name, "regconfig") == 0 || strcmp(name, "regdictionary") == 0)
        return false; /* to_tsvector('english'::regconfig, …) */
    return starts(name, "reg") || strcmp(name, "aclitem") == 0 || strcmp(name, "_aclitem") == 0 ||
           starts(name, "_reg");
}

bool nl_gate_schema_is_system(const char *name) {
    return starts(name, "pg_") || strcmp(name, "information_schema") == 0;
}

static const struct {
    const char *type, *name;
    bool writes;
} statements[] = {
    { "InsertStmt", "INSERT", true },
    { "UpdateStmt", "UPDATE", true },
    { "DeleteStmt", "DELETE", true },
    { "MergeStmt", "MERGE", true },
    { "TruncateStmt", "TRUNCATE", true },
    { "CopyStmt", "COPY", true },
    { "DropStmt", "DROP", true },
    { "CreateStmt", "CREATE TABLE", true },
    { "CreateTableAsStmt", "CREATE TABLE AS", true },
    { "ViewStmt", "CREATE VIEW", true },
    { "IndexStmt", "CREATE INDEX", true },
    { "CreateFunctionStmt", "CREATE FUNCTION", true },
    { "CreateRoleStmt", "CREATE ROLE", true },
    { "CreateExtensionStmt", "CREATE EXTENSION", true },
    { "AlterTableStmt", "ALTER TABLE", true },
    { "AlterRoleStmt", "ALTER ROLE", true },
    { "AlterSystemStmt", "ALTER SYSTEM", true },
    { "GrantStmt", "GRANT or REVOKE", true },
    { "GrantRoleStmt", "GRANT or REVOKE", true },
    { "RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW", true },
    { "VacuumStmt", "VACUUM or ANALYZE", true },
    { "ReindexStmt", "REINDEX", true },
    { "ClusterStmt", "CLUSTER", true },
    { "CommentStmt", "COMMENT", true },
    { "DoStmt", "DO", false },
    { "CallStmt", "CALL", false },
    { "ExplainStmt", "EXPLAIN", false },
    { "PrepareStmt", "PREPARE", false },
    { "ExecuteStmt", "EXECUTE", false },
    { "DeallocateStmt", "DEALLOCATE", false },
    { "VariableSetStmt", "SET or RESET", false },
    { "VariableShowStmt", "SHOW", false },
    { "TransactionStmt", "transaction control", false },
    { "LockStmt", "LOCK", false },
    { "DeclareCursorStmt", "DECLARE CURSOR", false },
    { "FetchStmt", "FETCH or MOVE", false },
    { "ClosePortalStmt", "CLOSE", false },
    { "ListenStmt", "LISTEN", false },
    { "UnlistenStmt", "UNLISTEN", false },
    { "NotifyStmt", "NOTIFY", false },
    { "LoadStmt", "LOAD", false },
    { "DiscardStmt", "DISCARD", false },
    { "CheckPointStmt", "CHECKPOINT", false },
    { "PLAssignStmt", "PL/pgSQL assignment", false },
};

const char *nl_gate_statement_name(const char *type) {
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (strcmp(statements[i].type, type) == 0)
            return statements[i].name;
    }
    return type;
}

bool nl_gate_statement_writes(const char *type) {
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (strcmp(statements[i].type, type) == 0)
            return statements[i].writes;
    }
    return false;
}
