#include "data/sse.h"

#include <stdlib.h>
#include <string.h>

#include "data/json.h"

#include "base/banned.h"

enum { MAX_CHOICES = 128, MAX_CALLS = 128 };

struct call {
    nl_buf id, name, arguments;
    bool used;
};

struct choice {
    nl_buf content, refusal, reasoning, finish;
    struct call *calls; /* MAX_CALLS of them, allocated at the first */
    unsigned n_calls;
    bool used, has_content, has_refusal;
};

struct fold {
    struct choice *choices; /* MAX_CHOICES */
    unsigned n_choices;
    nl_buf id, model, usage, error;
    nl_sse_report report;
    bool nomem; /* a text is not whole: nothing may be made of it */
};

static bool is_text(const nl_json_node *node) {
    return node && node->type == NL_JSON_STRING;
}

static void add_text(struct fold *fold, nl_buf *to, const nl_json_node *node) {
    if (is_text(node) && !nl_buf_add(to, node->text, node->size))
        fold->nomem = true;
}

static void set_text(struct fold *fold, nl_buf *to, const nl_json_node *node) {
    if (to->size == 0)
        add_text(fold, to, node);
}

static void keep_node(struct fold *fold, nl_buf *to, const nl_json_node *node) {
    nl_json_writer w;
    if (!node || node->type == NL_JSON_NULL)
        return;
    nl_buf_clear(to);
    nl_json_writer_init(&w, to);
    nl_json_put_node(&w, node);
    fold->nomem = fold->nomem || w.failed;
}

/* The index that a delta names, 0 where it names none, `most` where that is beyond what is kept. */
static unsigned index_of(const nl_json_node *node, unsigned most) {
    int64_t index;
    if (!nl_json_int(nl_json_get(node, "index"), &index))
        return 0;
    return index >= 0 && index < (int64_t)most ? (unsigned)index : most;
}

/* Which call a part belongs to. Some endpoints number them, some do not: then a new id starts the
 * next one, and a part without id goes on with the last. */
static unsigned call_index(const struct choice *choice, const nl_json_node *part) {
    if (nl_json_get(part, "index"))
        return index_of(part, MAX_CALLS);
    if (choice->n_calls == 0)
        return 0;
    const nl_json_node *id = nl_json_get(part, "id");
    const nl_buf *last = &choice->calls[choice->n_calls - 1].id;
    if (!is_text(id) || id->size == 0 ||
        (id->size == last->size && memcmp(id->text, last->data, id->size) == 0))
        return choice->n_calls - 1;
    return choice->n_calls;
}

static bool take_calls(struct fold *fold, struct choice *choice, const nl_json_node *calls,
                       nl_err *err) {
    if (!calls || calls->type != NL_JSON_ARRAY)
        return true;
    if (!choice->calls) {
        choice->calls = calloc(MAX_CALLS, sizeof *choice->calls);
        if (!choice->calls)
            return nl_err_nomem(err);
        for (unsigned i = 0; i < MAX_CALLS; i++) {
            nl_buf_init(&choice->calls[i].id);
            nl_buf_init(&choice->calls[i].name);
            nl_buf_init(&choice->calls[i].arguments);
        }
    }
    for (const nl_json_node *c = calls->child; c; c = c->next) {
        unsigned index = call_index(choice, c);
        if (index >= MAX_CALLS)
            continue;
        struct call *call = &choice->calls[index];
        call->used = true;
        if (choice->n_calls <= index)
            choice->n_calls = index + 1;
        const nl_json_node *function = nl_json_get(c, "function");
        set_text(fold, &call->id, nl_json_get(c, "id"));
        add_text(fold, &call->name, nl_json_get(function, "name"));
        add_text(fold, &call->arguments, nl_json_get(function, "arguments"));
    }
    return true;
}

static bool take_choice(struct fold *fold, const nl_json_node *node, nl_err *err) {
    unsigned index = index_of(node, MAX_CHOICES);
    if (index == MAX_CHOICES || !node || node->type != NL_JSON_OBJECT)
        return true;
    struct choice *choice = &fold->choices[index];
    if (!choice->used) {
        nl_buf_init(&choice->content);
        nl_buf_init(&choice->refusal);
        nl_buf_init(&choice->reasoning);
        nl_buf_init(&choice->finish);
        choice->used = true;
    }
    if (fold->n_choices <= index)
        fold->n_choices = index + 1;
    const nl_json_node *delta = nl_json_get(node, "delta");
    if (!delta) /* some endpoints send the message whole in their last chunk */
        delta = nl_json_get(node, "message");
    const nl_json_node *content = nl_json_get(delta, "content");
    const nl_json_node *refusal = nl_json_get(delta, "refusal");
    choice->has_content = choice->has_content || is_text(content);
    choice->has_refusal = choice->has_refusal || is_text(refusal);
    add_text(fold, &choice->content, content);
    add_text(fold, &choice->refusal, refusal);
    add_text(fold, &choice->reasoning, nl_json_get(delta, "reasoning_content"));
    set_text(fold, &choice->finish, nl_json_get(node, "finish_reason"));
    return take_calls(fold, choice, nl_json_get(delta, "tool_calls"), err);
}

/* One event's data. */
static bool take_event(struct fold *fold, const char *data, size_t size, nl_err *err) {
    while (size > 0 && (data[size - 1] == ' ' || data[size - 1] == '\t' || data[size - 1] == '\n'))
        size--;
    if (size == 0) /* "data:" alone keeps a connection alive */
        return true;
    if (size == 6 && memcmp(data, "[DONE]", 6) == 0) {
        fold->report.done = true;
        return true;
    }
    nl_err why = { .code = NL_OK };
    nl_json *json = nl_json_read(data, size, 64, &why);
    if (!json && why.code == NL_NOMEM)
        return nl_err_nomem(err);
    const nl_json_node *root = json ? nl_json_root(json) : NULL;
    if (!root || root->type != NL_JSON_OBJECT) {
        fold->report.garbled++;
        nl_json_free(json);
        return true;
    }
    bool ok = true;
    fold->report.events++;
    set_text(fold, &fold->id, nl_json_get(root, "id"));
    set_text(fold, &fold->model, nl_json_get(root, "model"));
    keep_node(fold, &fold->usage, nl_json_get(root, "usage"));
    keep_node(fold, &fold->error, nl_json_get(root, "error"));
    const nl_json_node *choices = nl_json_get(root, "choices");
    if (choices && choices->type == NL_JSON_ARRAY) {
        for (const nl_json_node *c = choices->child; c && ok; c = c->next)
            ok = take_choice(fold, c, err);
    }
    nl_json_free(json);
    return ok;
}

/* Splits the body into events as the WHATWG describes it. What stands at the end without the blank
 * line that ends an event is read too: the stream may have broken right behind a whole one. */
static bool split_events(struct fold *fold, const char *body, size_t size, nl_err *err) {
    nl_buf data;
    bool ok = true, any = false;
    size_t at = 0;

    nl_buf_init(&data);
    if (size >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (ok && at <= size) {
        size_t end = at;
        while (end < size && body[end] != '\n' && body[end] != '\r')
            end++;
        size_t n = end - at;
        if (n == 0 || at == size) {
            if (any)
                ok = take_event(fold, data.data, data.size, err);
            nl_buf_clear(&data);
            any = false;
            if (at == size)
                break;
        } else if (n >= 5 && memcmp(body + at, "data:", 5) == 0) {
            size_t skip = n > 5 && body[at + 5] == ' ' ? 6 : 5;
            if (any)
                nl_buf_char(&data, '\n');
            nl_buf_add(&data, body + at + skip, n - skip);
            any = true;
        }
        ok = ok && (!data.failed || nl_err_nomem(err));
        if (end < size && body[end] == '\r' && end + 1 < size && body[end + 1] == '\n')
            end++;
        at = end < size ? end + 1 : size;
    }
    nl_buf_release(&data);
    return ok;
}

static void put_text(nl_json_writer *w, const char *key, const nl_buf *text) {
    nl_json_key(w, key);
    nl_json_str_n(w, text->data, text->size);
}

static void put_calls(nl_json_writer *w, const struct choice *choice) {
    nl_json_key(w, "tool_calls");
    nl_json_open_array(w);
    for (unsigned i = 0; i < choice->n_calls; i++) {
        const struct call *call = &choice->calls[i];
        if (!call->used)
            continue;
        nl_json_open_object(w);
        put_text(w, "id", &call->id);
        nl_json_key(w, "type");
        nl_json_str(w, "function");
        nl_json_key(w, "function");
        nl_json_open_object(w);
        put_text(w, "name", &call->name);
        put_text(w, "arguments", &call->arguments);
        nl_json_close_object(w);
        nl_json_close_object(w);
    }
    nl_json_close_array(w);
}

static void put_choice(nl_json_writer *w, const struct choice *choice, unsigned index) {
    nl_json_open_object(w);
    nl_json_key(w, "index");
    nl_json_put_int(w, index);
    nl_json_key(w, "message");
    nl_json_open_object(w);
    nl_json_key(w, "role");
    nl_json_str(w, "assistant");
    nl_json_key(w, "content");
    if (choice->has_content)
        nl_json_str_n(w, choice->content.data, choice->content.size);
    else
        nl_json_put_null(w);
    if (choice->has_refusal)
        put_text(w, "refusal", &choice->refusal);
    if (choice->reasoning.size > 0)
        put_text(w, "reasoning_content", &choice->reasoning);
    if (choice->n_calls > 0)
        put_calls(w, choice);
    nl_json_close_object(w);
    nl_json_key(w, "finish_reason");
    if (choice->finish.size > 0)
        nl_json_str_n(w, choice->finish.data, choice->finish.size);
    else
        nl_json_put_null(w);
    nl_json_close_object(w);
}

/* Did a text stop growing for want of memory? */
static bool lost_text(const struct fold *fold) {
    bool lost = fold->id.failed || fold->model.failed || fold->usage.failed || fold->error.failed;
    for (unsigned i = 0; i < fold->n_choices; i++) {
        const struct choice *c = &fold->choices[i];
        lost = lost || (c->used && (c->content.failed || c->refusal.failed || c->reasoning.failed ||
                                    c->finish.failed));
        for (unsigned k = 0; c->used && k < c->n_calls; k++) {
            const struct call *call = &c->calls[k];
            lost = lost ||
                   (call->used && (call->id.failed || call->name.failed || call->arguments.failed));
        }
    }
    return lost;
}

static bool write_completion(const struct fold *fold, nl_buf *out, nl_err *err) {
    nl_json_writer w;
    if (lost_text(fold))
        return nl_err_nomem(err);
    nl_json_writer_init(&w, out);
    nl_json_open_object(&w);
    put_text(&w, "id", &fold->id);
    put_text(&w, "model", &fold->model);
    nl_json_key(&w, "choices");
    nl_json_open_array(&w);
    for (unsigned i = 0; i < fold->n_choices; i++) {
        if (fold->choices[i].used)
            put_choice(&w, &fold->choices[i], i);
    }
    nl_json_close_array(&w);
    if (fold->usage.size > 0) {
        nl_json_key(&w, "usage");
        nl_json_put_raw(&w, fold->usage.data, fold->usage.size);
    }
    if (fold->error.size > 0) {
        nl_json_key(&w, "error");
        nl_json_put_raw(&w, fold->error.data, fold->error.size);
    }
    nl_json_close_object(&w);
    return nl_json_writer_done(&w, err);
}

static void release_choice(struct choice *choice) {
    if (!choice->used)
        return;
    nl_buf_release(&choice->content);
    nl_buf_release(&choice->refusal);
    nl_buf_release(&choice->reasoning);
    nl_buf_release(&choice->finish);
    for (unsigned i = 0; choice->calls && i < MAX_CALLS; i++) {
        nl_buf_release(&choice->calls[i].id);
        nl_buf_release(&choice->calls[i].name);
        nl_buf_release(&choice->calls[i].arguments);
    }
    free(choice->calls);
}

/* Every choice that began has said why it ended. */
static bool all_finished(const struct fold *fold) {
    for (unsigned i = 0; i < fold->n_choices; i++) {
        if (fold->choices[i].used && fold->choices[i].finish.size == 0)
            return false;
    }
    return fold->n_choices > 0;
}

bool nl_sse_fold(const char *body, size_t size, nl_buf *out, nl_sse_report *report, nl_err *err) {
    struct fold fold = { 0 };
    bool ok = false;

    nl_buf_init(&fold.id);
    nl_buf_init(&fold.model);
    nl_buf_init(&fold.usage);
    nl_buf_init(&fold.error);
    fold.choices = calloc(MAX_CHOICES, sizeof *fold.choices);
    if (!fold.choices) {
        nl_err_nomem(err);
        goto out;
    }
    if (!split_events(&fold, body, size, err))
        goto out;
    if (fold.nomem) {
        nl_err_nomem(err);
        goto out;
    }
    if (fold.report.events == 0) {
        nl_err_set(err, NL_INVALID, "a stream without one readable event");
        goto out;
    }
    ok = write_completion(&fold, out, err);
    fold.report.done = fold.report.done || all_finished(&fold);
out:
    *report = fold.report;
    for (unsigned i = 0; fold.choices && i < MAX_CHOICES; i++)
        release_choice(&fold.choices[i]);
    free(fold.choices);
    nl_buf_release(&fold.id);
    nl_buf_release(&fold.model);
    nl_buf_release(&fold.usage);
    nl_buf_release(&fold.error);
    return ok;
}
