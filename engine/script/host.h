/* host.h: what the engine lends to its Lua states.
 *
 * One nl_host for each engine; every Lua state of it sees the same. Bindings fetch what they need
 * from here: scripts never hold a key or a password. All fields are borrowed. */
#ifndef NL_SCRIPT_HOST_H
#define NL_SCRIPT_HOST_H

#include <stdbool.h>

#include <lua.h>

#include "io/http.h"
#include "io/journal.h"
#include "io/loop.h"

/* Somebody who waits for what may never come, and is told when the engine is asked to stop. Zero
 * it, then set fn and ctx; it stays where it is while it is listed. */
typedef struct nl_on_stop {
    nl_fn fn;
    void *ctx;
    struct nl_on_stop *next;
    bool listed;
} nl_on_stop;

typedef struct {
    nl_loop *loop;
    nl_http *http;
    const char *database_url; /* NULL: none was given */
    const char *project_dir;  /* the user's folder: its phases/, prompts/, scripts/ come first */
    const char *share_dir;    /* what is shipped */
    nl_journal *journal;      /* of the project's logs/; NULL: nothing is logged there */
    int stopping;             /* 0; 1: start nothing new; 2: leave now */
    double opened;            /* monotonic seconds: when the engine was opened */
    nl_on_stop *on_stop;      /* called once each, and taken off the list */
} nl_host;

nl_host *nl_host_of(lua_State *L);
nl_loop *nl_host_loop(lua_State *L);
nl_http *nl_host_http(lua_State *L);
const char *nl_host_database(lua_State *L);

void nl_host_on_stop(nl_host *host, nl_on_stop *waiting);
void nl_host_off_stop(nl_host *host, nl_on_stop *waiting); /* fine where it is not listed */
/* Calls those who wait. */
void nl_host_stop(nl_host *host);

#endif
