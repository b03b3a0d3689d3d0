/* lua_catalog_find.c: tables as people and models write them. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <lauxlib.h>

#include "bind/lua_catalog_priv.h"

#include "base/banned.h"

/* `text` as a person or a model may write a table: quoted or not, with a schema or not. Splits at
 * the last dot outside quotes; copies without quotes. */
struct spoken {
    char schema[128], name[128];
    bool has_schema;
};

static bool read_spoken(const char *text, struct spoken *s) {
    char *to = s->name;
    size_t n = 0;
    bool quoted = false;
    s->has_schema = false;
    text += strspn(text, " \t");
    for (; *text; text++) {
        if (*text == '"') {
            if (quoted && text[1] == '"')
                text++;
            else {
                quoted = !quoted;
                continue;
            }
        } else if (*text == '.' && !quoted) {
            memcpy(s->schema, s->name, n); /* of database.schema.table the last one stays */
            s->schema[n] = '\0';
            s->has_schema = true;
            n = 0;
            continue;
        }
        if (n + 1 >= sizeof s->name)
            return false;
        to[n++] = *text;
    }
    while (n > 0 && !quoted && isspace((unsigned char)to[n - 1]))
        n--;
    to[n] = '\0';
    return n > 0;
}

/* The only table that `s` names; exact names win over those that differ in case. */
static const nl_table *find_spoken(const nl_catalog *catalog, const struct spoken *s) {
    size_t n, alike = 0;
    const nl_table *tables = nl_catalog_tables(catalog, &n), *found = NULL;
    const nl_table *exact = nl_catalog_find(catalog, s->has_schema ? s->schema : NULL, s->name);
    if (exact)
        return exact;
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(tables[i].name, s->name) != 0 ||
            (s->has_schema && strcasecmp(tables[i].schema, s->schema) != 0))
            continue;
        alike++;
        found = &tables[i];
    }
    return alike == 1 ? found : NULL;
}

/* ref | nil = cat:find(text) */
int nl_catalog_l_find(lua_State *L) {
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    const char *text = luaL_checkstring(L, 2);
    struct spoken s;
    const nl_table *found = nl_find_reference(catalog, text);
    if (!found && read_spoken(text, &s))
        found = find_spoken(catalog, &s);
    if (found)
        lua_pushstring(L, found->reference);
    else
        lua_pushnil(L);
    return 1;
}

/* ref | nil = cat:nearest(text): the table whose bare name is nearest to that of `text` */
int nl_catalog_l_nearest(lua_State *L) {
    size_t n;
    struct spoken s;
    const nl_table *tables = nl_catalog_tables(nl_check_catalog(L, 1), &n);
    const char *text = luaL_checkstring(L, 2);
    lua_settop(L, 2);
    if (!read_spoken(text, &s)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, lua_upvalueindex(1)); /* nlsql.text's nearest */
    lua_pushstring(L, s.name);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushstring(L, tables[i].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_call(L, 2, 1);
    const char *name = lua_tostring(L, -1);
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(tables[i].name, name) == 0) {
            lua_pushstring(L, tables[i].reference);
            break;
        }
    }
    return 1; /* the nil that nearest gave, or the reference */
}
