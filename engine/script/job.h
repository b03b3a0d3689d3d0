/* job.h: coroutines that wait for the loop.
 *
 * A job is a Lua coroutine that the engine owns. A binding starts an operation, parks the job,
 * and the operation's completion wakes it; to the script it is a call that returns. This is the
 * only module that calls lua_resume and lua_yieldk.
 *
 * A binding, in outline:
 *
 *     static int l_request(lua_State *L) {
 *         check all arguments (may raise)
 *         nl_job *job = nl_job_here(L);              -- raises where the script cannot wait
 *         struct op *op = lua_newuserdatauv(L, sizeof *op, 1);   -- with a __gc that is safe now
 *         op->job = job;
 *         if (!start(op, on_done, &err)) return nl_push_err(L, &err);
 *         return nl_job_park(L, op, op_cancel, op_push);
 *     }
 *     static void on_done(void *ctx, …) { keep the result in op; nl_job_wake(op->job); }
 *
 * The operation lives in the userdata, which stays on the parked coroutine's stack. */
#ifndef NL_SCRIPT_JOB_H
#define NL_SCRIPT_JOB_H

#include <lua.h>

#include "base/err.h"

typedef struct nl_job nl_job;

/* Cancels the operation: its completion will not call. Called at most once, when the job dies
 * before it was woken. */
typedef void (*nl_job_cancel_fn)(void *op);
/* Pushes the results and returns their number, in the woken job. May raise: op must be owned by
 * its userdata. */
typedef int (*nl_job_push_fn)(lua_State *L, void *op);

/* The job that L runs in. Raises "cannot wait here: …" outside a job, or where the coroutine
 * cannot yield (a table.sort comparison, a gsub callback, a metamethod of tostring). */
nl_job *nl_job_here(lua_State *L);

/* Yields until nl_job_wake; use as `return nl_job_park(…)`. */
int nl_job_park(lua_State *L, void *op, nl_job_cancel_fn cancel, nl_job_push_fn push);

/* Resumes the job on the next turn of the loop. Loop thread only; a second wake is ignored. */
void nl_job_wake(nl_job *job);

/* Pushes nil, message, code name; returns 3. For the world's failures; where err has an
 * sqlstate it is pushed as a fourth value. */
int nl_push_err(lua_State *L, const nl_err *err);

#endif
