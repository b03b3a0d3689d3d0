/* pairs.h: a file of question/SQL pairs, handed out N to a reply. */
#ifndef NL_TESTS_FAKE_PAIRS_H
#define NL_TESTS_FAKE_PAIRS_H

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/buf.h"
#include "data/json.h"
#include "scan.h"

enum { MAX_TABLES = 64, MAX_PAIR_TABLES = 12 };

struct pair {
    char *line; /* as it stands in the file */
    char *question, *sql;
    unsigned n_tables;
    uint8_t tables[MAX_PAIR_TABLES]; /* indexes into pairs.tables */
};

struct pairs {
    struct pair *list;
    size_t n;
    size_t next; /* where replies do not depend on the request */
    size_t per_reply;
    bool cycle, by_request;
    char *tables[MAX_TABLES]; /* every name that follows FROM or JOIN */
    unsigned n_tables;
};

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_keyword(const char *at, size_t size, const char *word) {
    return size == strlen(word) && strncasecmp(at, word, size) == 0;
}

/* The table's own name at p (behind FROM or JOIN): unquoted, without its schema. */
static struct span table_name(const char *p) {
    struct span name = { p, 0 };
    for (;;) {
        p += strspn(p, " \n\t");
        char close = *p == '"' ? '"' : '\0';
        p += close != '\0';
        name = (struct span){ p, 0 };
        while (*p && (close ? *p != close : is_word(*p)))
            p++;
        name.size = (size_t)(p - name.at);
        p += close && *p == close;
        if (*p != '.')
            return name;
        p++;
    }
}

/* Is it the name of a CTE: "name AS (" somewhere? */
static bool is_cte(const char *sql, struct span name) {
    for (const char *p = sql; (p = strstr(p, " AS ")) != NULL; p += 4) {
        const char *open = p + 4 + strspn(p + 4, " \n\tA-Z");
        const char *start = p;
        while (start > sql && is_word(start[-1]))
            start--;
        if (*open == '(' && (size_t)(p - start) == name.size &&
            memcmp(start, name.at, name.size) == 0)
            return true;
    }
    return false;
}

static bool add_table(struct pairs *pairs, struct pair *pair, struct span name) {
    unsigned i = 0;
    while (i < pairs->n_tables && (strlen(pairs->tables[i]) != name.size ||
                                   memcmp(pairs->tables[i], name.at, name.size) != 0))
        i++;
    if (i == pairs->n_tables) {
        if (i == MAX_TABLES)
            return true; /* too many to tell apart: it plays no part */
        pairs->tables[i] = strndup(name.at, name.size);
        if (!pairs->tables[i])
            return false;
        pairs->n_tables++;
    }
    if (pair->n_tables < MAX_PAIR_TABLES)
        pair->tables[pair->n_tables++] = (uint8_t)i;
    return true;
}

static bool find_tables(struct pairs *pairs, struct pair *pair) {
    for (const char *p = pair->sql; *p;) {
        if (!is_word(*p)) {
            p++;
            continue;
        }
        const char *word = p;
        while (is_word(*p))
            p++;
        size_t size = (size_t)(p - word);
        if (!is_keyword(word, size, "from") && !is_keyword(word, size, "join"))
            continue;
        struct span name = table_name(p);
        if (name.size > 0 && !is_cte(pair->sql, name) && !add_table(pairs, pair, name))
            return false;
    }
    return true;
}

static bool pairs_add(struct pairs *pairs, const char *line, size_t size, nl_err *err) {
    struct pair pair = { 0 };
    bool ok = false;
    nl_json *json = nl_json_read(line, size, 0, err);
    const nl_json_node *root = json ? nl_json_root(json) : NULL;
    const char *question = nl_json_get_str(root, "question"), *sql = nl_json_get_str(root, "sql");

    if (!json)
        goto out;
    if (!question || !sql) {
        nl_err_set(err, NL_INVALID, "a pair needs question and sql");
        goto out;
    }
    struct pair *list = realloc(pairs->list, (pairs->n + 1) * sizeof *list);
    if (!list) {
        nl_err_nomem(err);
        goto out;
    }
    pairs->list = list;
    pair.line = strndup(line, size);
    pair.question = strdup(question);
    pair.sql = strdup(sql);
    pairs->list[pairs->n++] = pair;
    ok = (pair.line && pair.question && pair.sql &&
          find_tables(pairs, &pairs->list[pairs->n - 1])) ||
         nl_err_nomem(err);
out:
    nl_json_free(json);
    return ok;
}

static void pairs_free(struct pairs *pairs) {
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->list[i].line);
        free(pairs->list[i].question);
        free(pairs->list[i].sql);
    }
    free(pairs->list);
    for (unsigned i = 0; i < pairs->n_tables; i++)
        free(pairs->tables[i]);
}

/* The last number that stands alone in the SQL, outside quotes. */
static struct span last_number(const char *sql) {
    struct span number = { NULL, 0 };
    for (const char *p = sql; *p;) {
        if (*p == '\'' || *p == '"') {
            const char *close = strchr(p + 1, *p);
            p = close ? close + 1 : p + 1;
        } else if (isdigit((unsigned char)*p)) {
            number = (struct span){ p, strspn(p, "0123456789") };
            p += number.size;
        } else if (is_word(*p)) {
            while (is_word(*p))
                p++;
        } else {
            p++;
        }
    }
    return number.size <= 9 ? number : (struct span){ NULL, 0 };
}

/* The pair as it comes in round `round` of the file: another literal, another question. */
static bool put_variant(nl_buf *out, const struct pair *pair, size_t round) {
    struct span number = last_number(pair->sql);
    nl_json_writer w;
    nl_buf text;
    bool ok;

    nl_buf_init(&text);
    nl_json_writer_init(&w, out);
    nl_json_open_object(&w);
    nl_json_key(&w, "question");
    nl_buf_printf(&text, "%s (variant %zu)", pair->question, round);
    nl_json_str(&w, text.data);
    nl_json_key(&w, "sql");
    nl_buf_clear(&text);
    if (number.at)
        nl_buf_printf(&text, "%.*s%lu%s", (int)(number.at - pair->sql), pair->sql,
                      strtoul(number.at, NULL, 10) + round, number.at + number.size);
    else
        nl_buf_printf(&text, "%.*s LIMIT %zu", (int)strcspn(pair->sql, ";"), pair->sql,
                      1000 + round);
    nl_json_str(&w, text.data);
    nl_json_close_object(&w);
    ok = !text.failed && nl_json_writer_done(&w, NULL);
    nl_buf_release(&text);
    return ok;
}

/* Which of the known tables does a message's raw JSON name, as whole words? */
static void mentioned(const struct pairs *pairs, struct span message, bool *named) {
    const char *p = message.at, *end = p + message.size;
    memset(named, 0, MAX_TABLES);
    while (p < end) {
        if (*p == '\\') { /* an escape is no part of a word */
            p += p + 1 < end && p[1] == 'u' ? 6 : 2;
            continue;
        }
        if (!is_word(*p)) {
            p++;
            continue;
        }
        const char *word = p;
        while (p < end && is_word(*p))
            p++;
        for (unsigned i = 0; i < pairs->n_tables; i++) {
            size_t size = strlen(pairs->tables[i]);
            bool fits = size >= (size_t)(p - word) && (size_t)(end - word) >= size &&
                        memcmp(word, pairs->tables[i], size) == 0;
            if (fits && (word + size == end || !is_word(word[size])))
                named[i] = true; /* `size` may be longer: a quoted name with spaces */
        }
    }
}

/* What a reply depends on: the tables that the first user message names, and how often the user has
 * spoken. */
struct asked {
    bool named[MAX_TABLES];
    size_t turn; /* from 0 */
    uint64_t hash;
};

static void read_messages(const struct pairs *pairs, struct span body, struct asked *asked) {
    struct span messages, key, message, role;
    const char *at;

    memset(asked, 0, sizeof *asked);
    if (!scan_member(body, "messages", &messages))
        return;
    size_t users = 0;
    at = messages.at;
    while (scan_next(&at, messages.at + messages.size, &key, &message)) {
        if (!scan_member(message, "role", &role) || !scan_is(role, "\"user\""))
            continue;
        if (users++ == 0)
            mentioned(pairs, message, asked->named);
    }
    asked->turn = users ? users - 1 : 0;
    asked->hash = XXH3_64bits(asked->named, sizeof asked->named);
}

static bool eligible(const struct pair *pair, const struct asked *asked) {
    for (unsigned i = 0; i < pair->n_tables; i++) {
        if (!asked->named[pair->tables[i]])
            return false;
    }
    return true;
}

/* One pair a line: the next ones of the file, or those that the request stands for: pairs whose
 * tables the first user message names (all, where it names none of any), from a place that depends
 * on those names, then on with each user message. */
static bool put_pairs(nl_buf *out, struct pairs *pairs, struct span body) {
    struct asked asked = { 0 };
    size_t *chosen = NULL, n = pairs->n, start = pairs->next, shift = 0;

    if (pairs->by_request) {
        read_messages(pairs, body, &asked);
        chosen = malloc((pairs->n + 1) * sizeof *chosen);
        if (!chosen)
            return false;
        n = 0;
        for (size_t i = 0; i < pairs->n; i++) {
            if (eligible(&pairs->list[i], &asked))
                chosen[n++] = i;
        }
        for (size_t i = 0; n == 0 && i < pairs->n; i++)
            chosen[i] = i;
        n = n ? n : pairs->n;
        start = asked.turn * pairs->per_reply;
        shift = n ? asked.hash % n : 0;
    }
    pairs->next += pairs->per_reply;
    for (size_t i = start; n && i < start + pairs->per_reply && (pairs->cycle || i < n); i++) {
        size_t at = (i + shift) % n;
        const struct pair *pair = &pairs->list[chosen ? chosen[at] : at];
        if (i > start)
            nl_buf_char(out, '\n');
        if (i < n)
            nl_buf_str(out, pair->line);
        else
            put_variant(out, pair, i / n);
    }
    free(chosen);
    return !out->failed;
}

#endif
