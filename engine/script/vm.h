/* vm.h: a Lua state with a memory cap, a deadline, a sandbox and a loader.
 *
 * Each phase has one of its own, so that memory and time are charged to whom they belong.
 * `trusted` states (the command line's own scripts, `nlsql lua`) have the full standard library;
 * all others see an allow-list, load text chunks only, and `require` only from the script folders.
 * A script that computes for longer than `slice_ms` without waiting is stopped: the hook re-arms
 * itself at every instruction once past the deadline, so that pcall cannot swallow it. */
#ifndef NL_SCRIPT_VM_H
#define NL_SCRIPT_VM_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/err.h"
#include "script/host.h"

typedef struct nl_vm nl_vm;

typedef struct {
    const char *name;  /* for messages: phase "joins" */
    size_t max_memory; /* bytes; 0: 1 GiB */
    uint32_t slice_ms; /* processor time between two waits; 0: 5,000; ignored where trusted */
    bool trusted;
} nl_vm_options;

/* A C module for `require`. */
typedef struct {
    const char *name;
    lua_CFunction open;
    bool trusted_only;
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

/* The file that this state runs: scripts may read and load it again though it lies outside the
 * folders that are theirs. Copied. */
bool nl_vm_set_own_file(nl_vm *vm, const char *path, nl_err *err);
const char *nl_vm_own_file(const nl_vm *vm); /* its absolute path without links, or NULL */

/* Takes a function and `n_args` arguments off the stack, runs it as the main job to its end
 * while running the loop, and leaves its results on the stack (their number in *n_results).
 * False with the script's error (NL_SCRIPT, or the code that it raised with). */
bool nl_vm_run(nl_vm *vm, int n_args, int *n_results, nl_err *err);

/* --- for the other files of this folder and for bindings ---------------------------------- */

nl_vm *nl_vm_of(lua_State *L);
bool nl_vm_is_trusted(const nl_vm *vm);
nl_host *nl_vm_host(const nl_vm *vm);
const nl_vm_module *nl_vm_modules(const nl_vm *vm);
const char *nl_vm_name(const nl_vm *vm);
/* Starts the clock of one slice. */
void nl_vm_slice(nl_vm *vm);

/* Builds the sandbox's globals and leaves them on the stack. */
void nl_sandbox_push(lua_State *L); /* [-0, +1, m] */
/* `require` for sandboxed states, as a C function. */
int nl_loader_require(lua_State *L);
/* Forgets every module that `require` has loaded from a script folder, so that the next `require`
 * reads its file again; returns how many. Tables that scripts hold of them live on. [-0, +0, m] */
int nl_loader_forget(lua_State *L);
/* Adds the C modules to package.preload and the script folders to package.path (trusted). */
void nl_loader_extend(lua_State *L);

#endif
