#include "script/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/buf.h"
#include "script/job.h"
#include "script/job_priv.h"
#include "script/slab.h"

#include "base/banned.h"

enum {
    HOOK_EVERY = 10000, /* instructions between two looks at the clock: about 0.1 ms */
    GUEST_SHARE = 8     /* one part in so many of the memory is not for guests */
};

struct nl_vm {
    lua_State *L;
    nl_host *host;
    const nl_vm_module *modules;
    char *name;
    char *own_file;
    size_t used, limit;
    nl_slab slab;
    uint32_t slice_ms;
    bool trusted;
    bool guest;            /* a guest's job is running */
    bool starved;          /* memory that is not Lua's was refused since somebody asked */
    uint64_t slice_end;    /* processor time of this thread, ns */
    const char *slice_why; /* what is said at its end; NULL: the usual */
    unsigned said;         /* lines of a phase in the log */
    int globals;           /* registry reference of the environment of loaded chunks */
    int guest_globals;     /* … and of those of guests */
};

uint64_t nl_vm_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t limit_of(const nl_vm *vm) {
    return vm->guest ? vm->limit - vm->limit / GUEST_SHARE : vm->limit;
}

static void *capped_alloc(void *ctx, void *block, size_t old_size, size_t new_size) {
    nl_vm *vm = ctx;
    if (!block)
        old_size = 0; /* then it names a kind of object */
    if (new_size == 0) {
        if (block)
            nl_slab_resize(&vm->slab, block, old_size, 0);
        vm->used -= old_size;
        return NULL;
    }
    if (new_size > old_size && vm->used + (new_size - old_size) > limit_of(vm))
        return NULL;
    void *moved = nl_slab_resize(&vm->slab, block, old_size, new_size);
    if (moved)
        vm->used += new_size - old_size;
    return moved;
}

static void on_count(lua_State *L, lua_Debug *ar) {
    nl_vm *vm = nl_vm_of(L);
    (void)ar;
    if (nl_vm_cpu_ns() < vm->slice_end)
        return;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1); /* sticky: pcall cannot swallow it */
    luaL_where(L, 0);                           /* the function under the hook */
    if (vm->slice_why)
        lua_pushstring(L, vm->slice_why);
    else
        lua_pushfstring(L, "ran for more than %f s without waiting for anything: stopped",
                        (double)vm->slice_ms / 1000);
    lua_concat(L, 2);
    lua_error(L);
}

void nl_vm_slice(nl_vm *vm) {
    vm->guest = false;
    vm->slice_why = NULL;
    vm->slice_end = vm->trusted ? UINT64_MAX : nl_vm_cpu_ns() + (uint64_t)vm->slice_ms * 1000000u;
}

void nl_vm_slice_guest(nl_vm *vm, uint64_t most_ns, const char *why) {
    uint64_t slice_ns = (uint64_t)vm->slice_ms * 1000000u;
    vm->guest = true;
    vm->slice_why = most_ns < slice_ns ? why : NULL;
    vm->slice_end = nl_vm_cpu_ns() + (most_ns < slice_ns ? most_ns : slice_ns);
}

void nl_vm_watch(lua_State *L) {
    lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

bool nl_vm_try_charge(lua_State *L, size_t bytes) {
    nl_vm *vm = nl_vm_of(L);
    size_t limit = limit_of(vm);
    if (bytes <= limit && vm->used + bytes > limit)
        lua_gc(L, LUA_GCCOLLECT); /* what is garbage may hold such memory, too */
    if (bytes > limit || vm->used + bytes > limit) {
        vm->starved = true;
        return false;
    }
    vm->used += bytes;
    return true;
}

bool nl_vm_starved(nl_vm *vm) {
    bool starved = vm->starved;
    vm->starved = false;
    return starved;
}

void nl_vm_charge(lua_State *L, ptrdiff_t bytes) {
    if (bytes <= 0)
        nl_vm_of(L)->used -= (size_t)-bytes;
    else if (!nl_vm_try_charge(L, (size_t)bytes))
        luaL_error(L, "not enough memory");
}

void nl_vm_say(nl_vm *vm, nl_level level, const char *text, size_t size) {
    bool cut = size > NL_VM_MOST_LINE;
    if (vm->said > NL_VM_MOST_LINES)
        return;
    if (vm->said++ == NL_VM_MOST_LINES) {
        nl_log(NL_WARN, "%s has logged %d lines: what it says from here on is left out", vm->name,
               NL_VM_MOST_LINES);
        return;
    }
    if (cut) { /* not within a character */
        size = NL_VM_MOST_LINE;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
            size--;
    }
    nl_log(level, "%.*s%s", (int)size, text, cut ? "…" : "");
}

const char *nl_vm_text(lua_State *L, char room[NL_VM_NUMBER]) {
    int kind = lua_type(L, -1);
    if (kind == LUA_TSTRING)
        return lua_tostring(L, -1);
    if (kind != LUA_TNUMBER)
        return NULL;
    int n = lua_isinteger(L, -1)
                ? snprintf(room, NL_VM_NUMBER, LUA_INTEGER_FMT, lua_tointeger(L, -1))
                : snprintf(room, NL_VM_NUMBER, LUA_NUMBER_FMT, lua_tonumber(L, -1));
    return n > 0 ? room : NULL;
}

static int panic(lua_State *L) {
    (void)L; /* every entry is protected, so this cannot happen; abort() follows */
    return 0;
}

/* Runs protected: opening libraries may run out of memory. */
static int open_state(lua_State *L) {
    nl_vm *vm = nl_vm_of(L);
    luaL_openlibs(L);
    if (vm->trusted) {
        nl_loader_extend(L);
        lua_pushglobaltable(L);
    } else {
        nl_sandbox_shut_strings(L);
        nl_sandbox_push(L, false);
        nl_vm_watch(L);
    }
    vm->globals = luaL_ref(L, LUA_REGISTRYINDEX);
    nl_sandbox_push(L, true);
    vm->guest_globals = luaL_ref(L, LUA_REGISTRYINDEX);
    nl_job_setup(L);
    lua_gc(L, LUA_GCGEN, 0, 0);
    return 0;
}

nl_vm *nl_vm_new(nl_host *host, const nl_vm_options *options, const nl_vm_module *modules,
                 nl_err *err) {
    nl_vm *vm = calloc(1, sizeof *vm);
    if (!vm) {
        nl_err_nomem(err);
        return NULL;
    }
    vm->host = host;
    vm->modules = modules;
    vm->limit = options->max_memory ? options->max_memory : (size_t)1 << 30;
    vm->slice_ms = options->slice_ms ? options->slice_ms : 5000;
    vm->trusted = options->trusted;
    vm->slice_end = UINT64_MAX;
    vm->name = strdup(options->name);
    vm->L = lua_newstate(capped_alloc, vm);
    if (!vm->name || !vm->L) {
        nl_err_nomem(err);
        goto fail;
    }
    lua_atpanic(vm->L, panic);
    *(nl_vm **)lua_getextraspace(vm->L) = vm;
    if (nl_vm_call(vm, open_state, NULL, NULL, err))
        return vm;
    nl_err_prefix(err, "cannot start Lua: ");
fail:
    nl_vm_free(vm);
    return NULL;
}

void nl_vm_free(nl_vm *vm) {
    if (!vm)
        return;
    if (vm->L) {
        nl_job_cancel_all(vm->L);
        vm->slice_end = UINT64_MAX;
        lua_close(vm->L);
    }
    nl_slab_release(&vm->slab);
    free(vm->name);
    free(vm->own_file);
    free(vm);
}

lua_State *nl_vm_lua(nl_vm *vm) {
    return vm->L;
}

size_t nl_vm_memory(const nl_vm *vm) {
    return vm->used;
}

nl_vm *nl_vm_of(lua_State *L) {
    return *(nl_vm **)lua_getextraspace(L);
}

bool nl_vm_is_trusted(const nl_vm *vm) {
    return vm->trusted;
}

nl_host *nl_vm_host(const nl_vm *vm) {
    return vm->host;
}

const nl_vm_module *nl_vm_modules(const nl_vm *vm) {
    return vm->modules;
}

const char *nl_vm_name(const nl_vm *vm) {
    return vm->name;
}

bool nl_vm_set_own_file(nl_vm *vm, const char *path, nl_err *err) {
    char *real = realpath(path, NULL);
    if (!real)
        return nl_err_errno(err, "cannot read %s", path);
    free(vm->own_file);
    vm->own_file = real;
    return true;
}

const char *nl_vm_own_file(const nl_vm *vm) {
    return vm->own_file;
}

nl_host *nl_host_of(lua_State *L) {
    return nl_vm_of(L)->host;
}

nl_loop *nl_host_loop(lua_State *L) {
    return nl_host_of(L)->loop;
}

nl_http *nl_host_http(lua_State *L) {
    return nl_host_of(L)->http;
}

const char *nl_host_database(lua_State *L) {
    return nl_host_of(L)->database_url;
}

void nl_host_on_stop(nl_host *host, nl_on_stop *waiting) {
    if (waiting->listed)
        return;
    waiting->listed = true;
    waiting->next = host->on_stop;
    host->on_stop = waiting;
}

void nl_host_off_stop(nl_host *host, nl_on_stop *waiting) {
    for (nl_on_stop **at = &host->on_stop; *at; at = &(*at)->next) {
        if (*at != waiting)
            continue;
        *at = waiting->next;
        waiting->listed = false;
        return;
    }
}

void nl_host_stop(nl_host *host) {
    while (host->on_stop) {
        nl_on_stop *waiting = host->on_stop;
        host->on_stop = waiting->next;
        waiting->listed = false;
        waiting->fn(waiting->ctx);
    }
}

/* A first line that starts with # is for the shell. The newline stays, so lines keep their number.
 */
static const char *skip_shebang(const nl_buf *text, size_t *size) {
    const char *from = text->data;
    *size = text->size;
    if (*size > 0 && from[0] == '#') {
        const char *end = memchr(from, '\n', *size);
        size_t skip = end ? (size_t)(end - from) : *size;
        from += skip;
        *size -= skip;
    }
    return from;
}

static bool load_file(nl_vm *vm, const char *path, const char *shown, int globals, nl_err *err) {
    lua_State *L = vm->L;
    bool ok = false;
    nl_buf text;
    char chunk[512];
    size_t size;

    nl_buf_init(&text);
    if (!nl_buf_read_file(&text, path, (size_t)16 << 20, err))
        goto out;
    const char *from = skip_shebang(&text, &size);
    if (snprintf(chunk, sizeof chunk, "@%s", shown) < 0)
        chunk[0] = '\0';
    if (luaL_loadbufferx(L, from, size, chunk, "t") != LUA_OK) {
        const char *why = lua_tostring(L, -1);
        nl_err_set(err, NL_SCRIPT, "%s", why ? why : "cannot be loaded");
        lua_pop(L, 1);
        goto out;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, globals);
    if (!lua_setupvalue(L, -2, 1))
        lua_pop(L, 1);
    ok = true;
out:
    nl_buf_release(&text);
    return ok;
}

bool nl_vm_load_file(nl_vm *vm, const char *path, const char *shown, nl_err *err) {
    return load_file(vm, path, shown, vm->globals, err);
}

bool nl_vm_load_guest(nl_vm *vm, const char *path, const char *shown, nl_err *err) {
    return load_file(vm, path, shown, vm->guest_globals, err);
}

bool nl_vm_call(nl_vm *vm, lua_CFunction fn, void *ctx, int *n_results, nl_err *err) {
    lua_State *L = vm->L;
    int before = lua_gettop(L);
    char room[NL_VM_NUMBER];
    if (!lua_checkstack(L, 2))
        return nl_err_nomem(err);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, ctx);
    int status = lua_pcall(L, 1, n_results ? LUA_MULTRET : 0, 0);
    if (status == LUA_OK) {
        if (n_results)
            *n_results = lua_gettop(L) - before;
        return true;
    }
    const char *why = nl_vm_text(L, room);
    nl_err_set(err, status == LUA_ERRMEM ? NL_NOMEM : NL_SCRIPT, "%s",
               why ? why : "failed without a message");
    lua_pop(L, 1);
    return false;
}

struct finish {
    nl_loop *loop;
};

static void stop_loop(void *ctx) {
    struct finish *finish = ctx;
    nl_loop_stop(finish->loop);
}

/* (function, args...) → job: protected, since making a job may run out of memory. */
static int start_main(lua_State *L) {
    nl_job_new(L, lua_gettop(L) - 1, NULL);
    return 1;
}

bool nl_vm_run(nl_vm *vm, int n_args, int *n_results, nl_err *err) {
    lua_State *L = vm->L;
    struct finish finish = { .loop = vm->host->loop };
    if (!lua_checkstack(L, 1))
        return nl_err_nomem(err);
    lua_pushcfunction(L, start_main);
    lua_insert(L, -(n_args + 2));
    if (lua_pcall(L, n_args + 1, 1, 0) != LUA_OK) {
        lua_pop(L, 1);
        return nl_err_nomem(err);
    }
    nl_job *job = lua_touserdata(L, -1);
    nl_job_on_end(job, stop_loop, &finish);
    nl_loop_run(vm->host->loop);
    nl_job_on_end(job, NULL, NULL); /* somebody else may have stopped the loop */
    return nl_job_results(L, job, n_results, err);
}
