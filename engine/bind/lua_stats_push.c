/* lua_stats_push.c: what a scan found, as Lua tables. */
#include <lauxlib.h>

#include "bind/lua_json.h"
#include "bind/lua_stats_priv.h"

#include "base/banned.h"

static void set_text(lua_State *L, const char *name, const char *text) {
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_count(lua_State *L, const char *name, uint64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void push_common(lua_State *L, const nl_stats_column *column) {
    lua_createtable(L, (int)column->n_common, 0);
    for (size_t i = 0; i < column->n_common; i++) {
        const nl_stats_common *one = &column->common[i];
        lua_createtable(L, 0, 4);
        lua_pushlstring(L, one->value, one->size);
        lua_setfield(L, -2, "value");
        set_count(L, "count", one->count);
        if (one->missed)
            set_count(L, "missed", one->missed);
        if (one->cut)
            set_flag(L, "cut", true);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
}

static void push_column(lua_State *L, const nl_stats_column *column) {
    lua_createtable(L, 0, 16);
    set_text(L, "table", column->table);
    set_text(L, "column", column->column);
    set_text(L, "family", column->family);
    set_count(L, "rows", column->rows);
    set_count(L, "nulls", column->nulls);
    set_count(L, "distinct", column->distinct);
    set_flag(L, "exact", column->exact);
    set_number(L, "error", column->error);
    set_text(L, "min", column->min);
    set_text(L, "max", column->max);
    set_number(L, "width", column->width);
    set_flag(L, "unique", column->unique);
    set_flag(L, "increasing", column->increasing);
    if (column->sampled > 0)
        set_number(L, "sampled", column->sampled);
    push_common(L, column);
    lua_setfield(L, -2, "common");
}

static void push_overlap(lua_State *L, const nl_stats_overlap *overlap) {
    lua_createtable(L, 0, 8);
    set_count(L, "child", overlap->child + (uint64_t)1);
    set_count(L, "parent", overlap->parent + (uint64_t)1);
    set_count(L, "common", overlap->common);
    set_count(L, "orphans", overlap->orphans);
    set_number(L, "containment", overlap->containment);
    set_number(L, "jaccard", overlap->jaccard);
    if (overlap->error > 0)
        set_number(L, "error", overlap->error);
}

static void push_skipped(lua_State *L, const nl_stats_skipped *skipped) {
    lua_createtable(L, 0, 3);
    set_text(L, "table", skipped->table);
    set_text(L, "column", skipped->column);
    set_text(L, "reason", skipped->reason);
}

static void push_tuple(lua_State *L, const nl_stats_inclusion *one) {
    lua_createtable(L, 0, 8);
    if (one->reason) {
        set_text(L, "reason", one->reason);
        return;
    }
    set_count(L, "rows", one->rows);
    set_count(L, "distinct", one->distinct);
    set_count(L, "common", one->common);
    set_count(L, "orphans", one->orphans);
    set_number(L, "containment", one->containment);
    set_flag(L, "unique", one->unique);
    if (one->sampled > 0)
        set_number(L, "sampled", one->sampled);
}

#define PUSH_LIST(L, list, n, push)                                                                \
    do {                                                                                           \
        lua_createtable((L), (int)(n), 0);                                                         \
        for (size_t at = 0; at < (n); at++) {                                                      \
            push((L), &(list)[at]);                                                                \
            lua_rawseti((L), -2, (lua_Integer)at + 1);                                             \
        }                                                                                          \
        nl_mark_json_array(L);                                                                     \
    } while (0)

/* Child, parent, common; the same of the next one. */
static void push_shared(lua_State *L, const nl_stats_result *result) {
    lua_createtable(L, (int)(3 * result->n_overlaps), 0);
    for (size_t i = 0; i < result->n_overlaps; i++) {
        const nl_stats_overlap *one = &result->overlaps[i];
        const lua_Integer numbers[] = { (lua_Integer)one->child + 1, (lua_Integer)one->parent + 1,
                                        (lua_Integer)one->common };
        for (size_t k = 0; k < 3; k++) {
            lua_pushinteger(L, numbers[k]);
            lua_rawseti(L, -2, (lua_Integer)(3 * i + k) + 1);
        }
    }
    nl_mark_json_array(L);
}

void nl_stats_push_result(lua_State *L, const nl_stats_result *result, bool flat) {
    lua_createtable(L, 0, 8);
    PUSH_LIST(L, result->columns, result->n_columns, push_column);
    lua_setfield(L, -2, "columns");
    PUSH_LIST(L, result->overlaps, flat ? 0 : result->n_overlaps, push_overlap);
    lua_setfield(L, -2, "overlaps");
    if (flat) {
        push_shared(L, result);
        lua_setfield(L, -2, "shared");
    }
    PUSH_LIST(L, result->skipped, result->n_skipped, push_skipped);
    lua_setfield(L, -2, "skipped");
    if (result->left_out)
        set_count(L, "left_out", result->left_out);
    set_number(L, "seconds", result->seconds);
    set_count(L, "rows", result->rows);
    set_count(L, "spilled", result->spilled);
    set_count(L, "passes", result->passes);
    set_text(L, "snapshot", result->snapshot);
}

void nl_stats_push_tuples(lua_State *L, const nl_stats_result *result) {
    PUSH_LIST(L, result->tuples, result->n_tuples, push_tuple);
}
