/* vm.h: a Lua state with a memory cap, a deadline, a sandbox and a loader.
 *
 * Each phase has one of its own, so that memory and time are charged to whom they belong.
 * `trusted` states (the command line's own scripts, `nlsql lua`, a phase under --trust) have the
 * full standard library; all others see an allow-list, load text chunks only, and `require` only
 * from the script folders.
 * Beside the library's globals a state has those of guests, for the file of a phase, which may
 * come from a stranger: an environment of its own, in which modules are loaded anew, and only
 * those C modules are to be had that reach neither files nor network nor the store. What a guest
 * changes there nobody else sees.
 * A script that computes for longer than `slice_ms` without waiting is stopped: the hook re-arms
 * itself at every instruction once past the deadline, so that pcall cannot swallow it. */
#ifndef NL_SCRIPT_VM_H
#define NL_SCRIPT_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/err.h"
#include "base/log.h"
#include "script/host.h"

typedef struct nl_vm nl_vm;

typedef struct {
    const char *name;  /* for messages: phase "joins" */
    size_t max_memory; /* bytes; 0: 1 GiB */
    uint32_t slice_ms; /* processor time between two waits; 0: 5,000; ignored where trusted */
    bool trusted;
} nl_vm_options;

/* Who may `require` a C module. */
typedef enum {
    NL_FOR_ALL,
    NL_FOR_TRUSTED, /* trusted states only */
    NL_FOR_LIBRARY, /* not guests */
    NL_FOR_GUESTS,  /* guests only, who get this in the place of another of the same name */
} nl_vm_whom;

/* A C module for `require`. */
typedef struct {
    const char *name;
    lua_CFunction open;
    nl_vm_whom whom;
} nl_vm_module;

/* `modules` ends with a NULL name and outlives the state. NULL with *err set on failure. */
nl_vm *nl_vm_new(nl_host *host, const nl_vm_options *options, const nl_vm_module *modules,
                 nl_err *err);
/* Cancels all jobs, then closes the state. */
void nl_vm_free(nl_vm *vm);
lua_State *nl_vm_lua(nl_vm *vm);
size_t nl_vm_memory(const nl_vm *vm); /* bytes in use */

/* Loads a file as a text chunk in this state's environment, named by `shown` ("phases/x.lua") in
 * messages, and leaves the function on the stack. */
bool nl_vm_load_file(nl_vm *vm, const char *path, const char *shown, nl_err *err);

/* The same in the environment of guests. */
bool nl_vm_load_guest(nl_vm *vm, const char *path, const char *shown, nl_err *err);

/* The file that this state runs: scripts may read and load it again though it lies outside the
 * folders that are theirs. Copied. */
bool nl_vm_set_own_file(nl_vm *vm, const char *path, nl_err *err);
const char *nl_vm_own_file(const nl_vm *vm); /* its absolute path without links, or NULL */

/* Takes a function and `n_args` arguments off the stack, runs it as the main job to its end
 * while running the loop, and leaves its results on the stack (their number in *n_results).
 * False with the script's error (NL_SCRIPT, or the code that it raised with). */
bool nl_vm_run(nl_vm *vm, int n_args, int *n_results, nl_err *err);

/* Calls fn with `ctx` as its only argument (a light userdata), and leaves its results on the stack,
 * their number in *n_results. All that allocates in a state belongs into such a call, or into a
 * job: elsewhere an allocation that fails ends the program. False, with nothing left, where it
 * raised. */
bool nl_vm_call(nl_vm *vm, lua_CFunction fn, void *ctx, int *n_results, nl_err *err);

/* --- for the other files of this folder and for bindings ---------------------------------- */

nl_vm *nl_vm_of(lua_State *L);
bool nl_vm_is_trusted(const nl_vm *vm);
nl_host *nl_vm_host(const nl_vm *vm);
const nl_vm_module *nl_vm_modules(const nl_vm *vm);
const char *nl_vm_name(const nl_vm *vm);
/* Starts the clock of one slice. */
void nl_vm_slice(nl_vm *vm);
/* The same for a guest, in a trusted state too: at most `most_ns` of processor time, of which
 * `why` says whose they are. From here a part of the memory is not to be had, so that the library
 * goes on where guests have filled theirs; nl_vm_slice ends that. */
void nl_vm_slice_guest(nl_vm *vm, uint64_t most_ns, const char *why);
/* Has the coroutine look at the clock, in a trusted state too. */
void nl_vm_watch(lua_State *L);
uint64_t nl_vm_cpu_ns(void); /* processor time of this thread */
enum { NL_VM_NUMBER = 32 };
/* The text of the string or number at the top of the stack, which stays there; NULL where it is
 * anything else. Allocates nothing: a number is written into `room`. [-0, +0, -] */
const char *nl_vm_text(lua_State *L, char room[NL_VM_NUMBER]);
/* Counts memory that a binding holds outside of Lua's as the state's: bytes more, or (negative)
 * less. Raises "not enough memory" where that would be too much. [-0, +0, m] */
void nl_vm_charge(lua_State *L, ptrdiff_t bytes);
/* The same, but false where it would be too much: for who has a better sentence. */
bool nl_vm_try_charge(lua_State *L, size_t bytes);
/* Was any refused since this was last asked? What is garbage then is not found by Lua, which does
 * not know of that memory. */
bool nl_vm_starved(nl_vm *vm);
/* A line that a phase has for the log, cut where it is long. So many lines are logged; the next one
 * is a warning that the rest is left out. */
enum { NL_VM_MOST_LINES = 1000, NL_VM_MOST_LINE = 4000 };
void nl_vm_say(nl_vm *vm, nl_level level, const char *text, size_t size);

/* Builds a sandbox's globals, of the library or of guests, and leaves them on the stack. */
void nl_sandbox_push(lua_State *L, bool guest); /* [-0, +1, m] */
/* Shuts the metatable of strings: from here its __index is a table that no script has. */
void nl_sandbox_shut_strings(lua_State *L); /* [-0, +0, m] */
/* `require` for sandboxed states, as a C function; as a closure over `true` it is that of guests.
 */
int nl_loader_require(lua_State *L);
/* Forgets every module that `require` has loaded from a script folder, so that the next `require`
 * reads its file again; returns how many. Tables that scripts hold of them live on. [-0, +0, m] */
int nl_loader_forget(lua_State *L);
/* Adds the C modules to package.preload and the script folders to package.path (trusted). */
void nl_loader_extend(lua_State *L);

#endif
