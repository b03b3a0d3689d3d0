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
    { "nlsql.catalog", luaopen_nlsql_catalog, NL_FOR_ALL },
    { "nlsql.cluster", luaopen_nlsql_cluster, NL_FOR_TRUSTED },
    { "nlsql.console", luaopen_nlsql_console, NL_FOR_LIBRARY },
    { "nlsql.console", luaopen_nlsql_console_guest, NL_FOR_GUESTS },
    { "nlsql.correlate", luaopen_nlsql_correlate, NL_FOR_LIBRARY },
    { "nlsql.files", luaopen_nlsql_files, NL_FOR_LIBRARY },
    { "nlsql.http", luaopen_nlsql_http, NL_FOR_LIBRARY },
    { "nlsql.job", luaopen_nlsql_job, NL_FOR_LIBRARY },
    { "nlsql.job", luaopen_nlsql_job_guest, NL_FOR_GUESTS },
    { "nlsql.journal", luaopen_nlsql_journal, NL_FOR_LIBRARY },
    { "nlsql.json", luaopen_nlsql_json, NL_FOR_ALL },
    { "nlsql.keyed", luaopen_nlsql_keyed, NL_FOR_LIBRARY },
    { "nlsql.pg", luaopen_nlsql_pg, NL_FOR_LIBRARY },
    { "nlsql.proc", luaopen_nlsql_proc, NL_FOR_TRUSTED },
    { "nlsql.protect", luaopen_nlsql_protect, NL_FOR_ALL },
    { "nlsql.sql", luaopen_nlsql_sql, NL_FOR_ALL },
    { "nlsql.stats", luaopen_nlsql_stats, NL_FOR_LIBRARY },
    { "nlsql.store", luaopen_nlsql_store, NL_FOR_LIBRARY },
    { "nlsql.text", luaopen_nlsql_text, NL_FOR_ALL },
    { "nlsql.watch", luaopen_nlsql_watch, NL_FOR_LIBRARY },
    { "nlsql.yaml", luaopen_nlsql_yaml, NL_FOR_LIBRARY },
    { NULL, NULL, NL_FOR_ALL },
};
