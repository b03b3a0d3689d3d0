#include "vm.h"

#include <lauxlib.h>

#include "bind/modules.h"
#include "script/vm.h"

#include "fuzz.h"

#include "base/banned.h"

static nl_host host = { .project_dir = SOURCE_DIR, .share_dir = SOURCE_DIR };
static nl_vm *vm;

#ifdef __clang__
/* libFuzzer takes each byte here as one more place that was reached so many times. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t reached[1 << 14];

static void on_line(lua_State *L, lua_Debug *ar) {
    static size_t last;
    lua_getinfo(L, "S", ar);
    size_t here = ((size_t)(uintptr_t)ar->source >> 4) * 31 + (size_t)ar->currentline * 2654435761U;
    uint8_t *counter = &reached[(here ^ (last >> 1)) % sizeof reached];
    if (*counter < UINT8_MAX)
        (*counter)++;
    last = here;
}
#endif

static void stop(void) {
    nl_vm_free(vm);
}

void fuzz_vm_load(const char *path) {
    nl_vm_options options = { .name = "fuzz", .trusted = true };
    nl_err err = { .code = NL_OK };
    vm = nl_vm_new(&host, &options, nl_modules, &err);
    if (!vm || !nl_vm_load_file(vm, path, path, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    lua_State *L = nl_vm_lua(vm);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK || !lua_isfunction(L, -1)) {
        (void)fprintf(stderr, "%s: %s\n", path, luaL_tolstring(L, -1, NULL));
        exit(1);
    }
    MUST(atexit(stop) == 0);
#ifdef __clang__
    lua_sethook(L, on_line, LUA_MASKLINE, 0);
#endif
}

void fuzz_vm_run(const uint8_t *data, size_t size) {
    lua_State *L = nl_vm_lua(vm);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, (const char *)data, size);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        (void)fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
        abort();
    }
}
