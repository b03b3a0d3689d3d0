#include "bind/modules.h"

#include "bind/lua_console.h"
#include "bind/lua_files.h"
#include "script/job_priv.h"

const nl_vm_module nl_modules[] = {
    { "nlsql.job", luaopen_nlsql_job, false },
    { "nlsql.files", luaopen_nlsql_files, false },
    { "nlsql.console", luaopen_nlsql_console, false },
    { NULL, NULL, false },
};
