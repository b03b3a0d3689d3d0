/* http_known.c: what is known of addresses: whose key goes there, and what callers noted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/http_priv.h"

#include "base/log.h"

#include "base/banned.h"

enum { MAX_MEMOS = 64, MAX_MEMO = 64 << 10 };

static void free_key(struct nl_http_key *key) {
    if (!key)
        return;
    if (key->header)
        explicit_bzero(key->header, strlen(key->header));
    free(key->header);
    free(key);
}

static void free_memo(struct nl_http_memo *memo) {
    if (!memo)
        return;
    free(memo->url);
    free(memo->text);
    free(memo);
}

void nl_http_known_free(nl_http *http) {
    while (http->keys) {
        struct nl_http_key *next = http->keys->next;
        free_key(http->keys);
        http->keys = next;
    }
    while (http->memos) {
        struct nl_http_memo *next = http->memos->next;
        free_memo(http->memos);
        http->memos = next;
    }
}

/* --- keys ---------------------------------------------------------------------------------- */

static bool is_key_text(const char *key) {
    for (const char *c = key; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7F)
            return false;
    }
    return true;
}

/* Calls under way hold their key's record: it stays, without a base that could match. */
static void forget_key(nl_http *http, const struct nl_http_target *base) {
    for (struct nl_http_key *at = http->keys; at; at = at->next) {
        if (nl_http_target_is_under(&at->base, base) && nl_http_target_is_under(base, &at->base))
            at->base.host[0] = '\0';
    }
}

bool nl_http_auth_as(nl_http *http, const char *base_url, const char *header, const char *key,
                     nl_err *err) {
    struct nl_http_key *made = NULL;
    struct nl_http_target base;

    if (!nl_http_target(base_url, &base, err))
        return false;
    if (strlen(base.path) + 1 == sizeof base.path)
        return nl_err_set(err, NL_INVALID, "the base URL is too long");
    if (!is_key_text(key))
        return nl_err_set(err, NL_INVALID, "the API key holds a space or a line break");
    if (!strstr(header, ": ") || strpbrk(header, "\r\n"))
        return nl_err_set(err, NL_INVALID, "a key's header must read \"Name: \" on one line");
    forget_key(http, &base);
    if (!key[0])
        return true;
    if (!nl_log_secret(key))
        return nl_err_set(err, NL_LIMIT, "no room to protect another key from being logged");
    made = calloc(1, sizeof *made);
    if (made && asprintf(&made->header, "%s%s", header, key) < 0)
        made->header = NULL;
    if (!made || !made->header) {
        free_key(made);
        return nl_err_nomem(err);
    }
    made->base = base;
    made->key = made->header + strlen(header);
    made->next = http->keys;
    http->keys = made;
    return true;
}

bool nl_http_auth(nl_http *http, const char *base_url, const char *key, nl_err *err) {
    return nl_http_auth_as(http, base_url, "Authorization: Bearer ", key, err);
}

/* --- notes --------------------------------------------------------------------------------- */

static struct nl_http_memo *find_memo(const nl_http *http, const char *url) {
    struct nl_http_memo *at = http->memos;
    while (at && strcmp(at->url, url) != 0)
        at = at->next;
    return at;
}

bool nl_http_remember(nl_http *http, const char *url, const char *text, nl_err *err) {
    struct nl_http_memo *memo = find_memo(http, url), *made = NULL;
    if (strlen(text) > MAX_MEMO || (!memo && http->n_memos == MAX_MEMOS))
        return nl_err_set(err, NL_LIMIT, "no room for another note about an endpoint");
    char *copy = strdup(text);
    if (!memo) {
        made = calloc(1, sizeof *made);
        if (made)
            made->url = strdup(url);
    }
    if (!copy || (!memo && (!made || !made->url))) {
        free(copy);
        free_memo(made);
        return nl_err_nomem(err);
    }
    if (made) {
        made->next = http->memos;
        http->memos = memo = made;
        http->n_memos++;
    }
    free(memo->text);
    memo->text = copy;
    return true;
}

const char *nl_http_remembered(const nl_http *http, const char *url) {
    const struct nl_http_memo *memo = find_memo(http, url);
    return memo ? memo->text : NULL;
}
