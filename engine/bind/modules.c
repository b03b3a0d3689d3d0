#include "bind/modules.h"

#include "bind/lua_catalog.h"
#include "bind/lua_cluster.h"
#include "bind/lua_console.h"
#include "bind/lua_correlate.h"
#include "bind/lua_files.h"
#include "bind/lua_http.h"
#include "bind/lua_journal.h"
#include "bind/lua_json.h"
#include "bind/lua_keyed.h"
#include "bind/lua_pg.h"
#include "bind/lua_proc.h"
#include "bind/lua_protect.h"
#include "bind/lua_sql.h"
#include "bind/lua_stats.h"
#include "bind/lua_store.h"
#include "bind/lua_text.h"
#include "bind/lua_watch.h"
#include "bind/lua_yaml.h"
#include "script/job_priv.h"

#include "base/banned.h"

const nl_vm_module nl_modules[] = {
    { "nlsql.catalog", luaopen_nlsql_catalog, false },
    { "nlsql.cluster", luaopen_nlsql_cluster, true },
    { "nlsql.console", luaopen_nlsql_console, false },
    { "nlsql.correlate", luaopen_nlsql_correlate, false },
    { "nlsql.files", luaopen_nlsql_files, false },
    { "nlsql.http", luaopen_nlsql_http, false },
    { "nlsql.job", luaopen_nlsql_job, false },
    { "nlsql.journal", luaopen_nlsql_journal, false },
    { "nlsql.json", luaopen_nlsql_json, false },
    { "nlsql.keyed", luaopen_nlsql_keyed, false },
    { "nlsql.pg", luaopen_nlsql_pg, false },
    { "nlsql.proc", luaopen_nlsql_proc, true },
    { "nlsql.protect", luaopen_nlsql_protect, false },
    { "nlsql.sql", luaopen_nlsql_sql, false },
    { "nlsql.stats", luaopen_nlsql_stats, false },
    { "nlsql.store", luaopen_nlsql_store, false },
    { "nlsql.text", luaopen_nlsql_text, false },
    { "nlsql.watch", luaopen_nlsql_watch, false },
    { "nlsql.yaml", luaopen_nlsql_yaml, false },
    { NULL, NULL, false },
};
