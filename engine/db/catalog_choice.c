#include "db/catalog_choice.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/edit.h"

#include "base/banned.h"

enum { EXACT = 'e', EITHER_CASE = 'c', ONE = '?', RUN = '*' };

/* --- reading --------------------------------------------------------------------------------- */

static bool add(catalog_glob *glob, char byte, char kind) {
    if (glob->n == CATALOG_GLOB)
        return false;
    glob->bytes[glob->n] = byte;
    glob->kinds[glob->n++] = kind;
    return true;
}

/* NULL, or what is wrong with it. */
static const char *read_pattern(const char *text, catalog_pattern *p) {
    bool quoted = false;
    for (const char *c = text; *c; c++) {
        if (*c == '"' && !(quoted && c[1] == '"')) {
            quoted = !quoted;
        } else if (*c == '.' && !quoted) {
            if (p->has_schema)
                return "has more than one dot: expected a table, or schema.table";
            p->schema = p->name;
            p->name.n = 0;
            p->has_schema = true;
            if (p->schema.n == 0)
                return "names no schema before its dot";
        } else {
            char kind = quoted ? EXACT : *c == '*' ? RUN : *c == '?' ? ONE : EITHER_CASE;
            c += quoted && *c == '"'; /* "" is one quote */
            if (!add(&p->name, *c, kind))
                return "is longer than a name can be";
        }
    }
    if (quoted)
        return "has a quote that is not closed";
    return p->name.n > 0 ? NULL : "names no table";
}

static bool read_list(catalog_pattern **list, size_t *n, const char *const *texts, const char *what,
                      nl_err *err) {
    size_t count = 0;
    while (texts && texts[count])
        count++;
    if (count == 0)
        return true;
    *list = calloc(count, sizeof **list);
    if (!*list)
        return nl_err_nomem(err);
    for (; *n < count; ++*n) {
        catalog_pattern *p = &(*list)[*n];
        size_t size = strlen(texts[*n]);
        const char *wrong =
            size < sizeof p->text ? read_pattern(texts[*n], p) : "is longer than a name can be";
        if (wrong)
            return nl_err_set(err, NL_CONFIG, "%s[%zu]: the pattern \"%.80s\" %s", what, *n + 1,
                              texts[*n], wrong);
        memcpy(p->text, texts[*n], size);
    }
    return true;
}

bool nl_catalog_choice_read(catalog_choice *choice, const char *const *include,
                            const char *const *exclude, nl_err *err) {
    return read_list(&choice->include, &choice->n_include, include, "include", err) &&
           read_list(&choice->exclude, &choice->n_exclude, exclude, "exclude", err);
}

void nl_catalog_choice_release(catalog_choice *choice) {
    free(choice->include);
    free(choice->exclude);
    *choice = (catalog_choice){ 0 };
}

/* --- matching -------------------------------------------------------------------------------- */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The end of the UTF-8 character that begins at `text`. */
static const char *next_character(const char *text) {
    do
        text++;
    while ((*text & 0xC0) == 0x80);
    return text;
}

/* Goes back to the last `*` where what follows does not fit: linear but for that. */
static bool glob_matches(const catalog_glob *glob, const char *text) {
    size_t at = 0, after_run = SIZE_MAX;
    const char *retry = NULL;
    while (*text) {
        char kind = at < glob->n ? glob->kinds[at] : '\0';
        if (kind == RUN) {
            after_run = ++at;
            retry = text;
        } else if (kind == ONE) {
            at++;
            text = next_character(text);
        } else if ((kind == EXACT && glob->bytes[at] == *text) ||
                   (kind == EITHER_CASE && lower(glob->bytes[at]) == lower(*text))) {
            at++;
            text++;
        } else if (retry) {
            at = after_run;
            text = retry = next_character(retry);
        } else {
            return false;
        }
    }
    while (at < glob->n && glob->kinds[at] == RUN)
        at++;
    return at == glob->n;
}

/* Every pattern is tried, so that each knows whether it matched. */
static bool any_matches(catalog_pattern *list, size_t n, const char *schema, const char *name) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if ((!list[i].has_schema || glob_matches(&list[i].schema, schema)) &&
            glob_matches(&list[i].name, name))
            any = list[i].hit = true;
    }
    return any;
}

bool nl_catalog_choice_has(catalog_choice *choice, const char *schema, const char *name) {
    bool in = any_matches(choice->include, choice->n_include, schema, name);
    bool out = any_matches(choice->exclude, choice->n_exclude, schema, name);
    return (in || choice->n_include == 0) && !out;
}

const catalog_pattern *nl_catalog_choice_idle(const catalog_choice *choice, nl_buf *where) {
    for (size_t i = 0; i < choice->n_include + choice->n_exclude; i++) {
        bool first = i < choice->n_include;
        size_t at = first ? i : i - choice->n_include;
        const catalog_pattern *p = first ? &choice->include[at] : &choice->exclude[at];
        if (p->hit)
            continue;
        nl_buf_printf(where, "%s[%zu]", first ? "include" : "exclude", at + 1);
        return p;
    }
    return NULL;
}

size_t nl_catalog_pattern_distance(const catalog_pattern *pattern, const char *name) {
    char plain[CATALOG_GLOB];
    size_t n = 0, m = strlen(name);
    for (size_t i = 0; i < pattern->name.n; i++) {
        if (pattern->name.kinds[i] != RUN && pattern->name.kinds[i] != ONE)
            plain[n++] = pattern->name.bytes[i];
    }
    if (n == 0)
        return SIZE_MAX;
    size_t longer = n > m ? n : m, distance = nl_edit_distance(plain, n, name, m);
    return distance * 3 <= longer ? distance : SIZE_MAX;
}
