/* job_priv.h: jobs, as the Lua state itself sees them. Only for engine/script. */
#ifndef NL_SCRIPT_JOB_PRIV_H
#define NL_SCRIPT_JOB_PRIV_H

#include "io/loop.h"
#include "script/job.h"

/* Makes the registry's tables and the job metatable. [-0, +0, m] */
void nl_job_setup(lua_State *L);

/* Takes a function and `n_args` arguments off L's stack and pushes the new job's handle; the job
 * starts on the loop's next turn, as a child of `parent` (NULL: of nobody). A job that ends or dies
 * takes its children with it. [-(n+1), +1, m] */
nl_job *nl_job_new(lua_State *L, int n_args, nl_job *parent);

/* Calls fn once the job has ended, however it ended. At most one. */
void nl_job_on_end(nl_job *job, nl_fn fn, void *ctx);

/* Pops the ended job's handle from L and pushes its results, or sets *err. */
bool nl_job_results(lua_State *L, nl_job *job, int *n_results, nl_err *err);

/* Cancels every job of the state. */
void nl_job_cancel_all(lua_State *L);

/* spawn, sleep, now, current, park and the handle's methods; guest and under, which only the
 * library has. */
int luaopen_nlsql_job(lua_State *L);
int luaopen_nlsql_job_guest(lua_State *L);

#endif
